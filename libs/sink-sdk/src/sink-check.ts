import type { z } from 'zod';
import type { AnySink } from './sink.js';

/** What is wrong with one field, and what would be accepted. */
export interface FieldProblem {
  readonly path: readonly (string | number)[];
  readonly reason: string;
  readonly fix: string;
}

export interface OptionsCheck {
  /** The options with defaults filled in, or what is wrong with them. */
  parse(options: unknown): { readonly value: Record<string, unknown> } | { readonly problems: readonly FieldProblem[] };
  /** Dotted paths of fields that take `secret:` only. */
  readonly secrets: readonly string[];
}

/** What package validation asks of a sink: plain functions, no zod. */
export interface SinkCheck {
  readonly id: string;
  readonly config: OptionsCheck;
  readonly identity: OptionsCheck;
}

interface ObjectLike {
  readonly shape: Readonly<Record<string, z.ZodType>>;
}

interface WrapperLike {
  unwrap(): z.ZodType;
}

/** Fields of an object, also of an optional one or one with a default. */
function shapeOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> {
  if ('shape' in schema) return (schema as unknown as ObjectLike).shape;
  return 'unwrap' in schema ? shapeOf((schema as unknown as WrapperLike).unwrap()) : {};
}

function secretPaths(schema: z.ZodType, prefix: string): string[] {
  return Object.entries(shapeOf(schema)).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    return field.meta()?.secret === true ? [path] : secretPaths(field, `${path}.`);
  });
}

function fixFor(schema: z.ZodType, path: readonly PropertyKey[]): string {
  const names = Object.keys(shapeOf(schema));
  const field = shapeOf(schema)[String(path[0])];
  if (!field) return names.length > 0 ? `Fields are: ${names.join(', ')}.` : 'It takes no fields.';
  const example = field.meta()?.example;
  const description = field.description ?? 'Correct the value.';
  return example === undefined ? description : `${description} Example: ${String(example)}`;
}

function problemsOf(schema: z.ZodType, error: z.ZodError): FieldProblem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: [...path, key],
        reason: 'there is no such field',
        fix: fixFor(schema, [...path, key]),
      }));
    }
    return [{ path, reason: issue.message, fix: fixFor(schema, path) }];
  });
}

/** What is wrong with options of a plug-in, by its schema. */
export function optionsCheck(schema: z.ZodType): OptionsCheck {
  return {
    parse(options) {
      const result = schema.safeParse(options);
      if (result.success) return { value: result.data as Record<string, unknown> };
      return { problems: problemsOf(schema, result.error) };
    },
    secrets: secretPaths(schema, ''),
  };
}

export function sinkCheck(sink: AnySink): SinkCheck {
  return { id: sink.id, config: optionsCheck(sink.config), identity: optionsCheck(sink.identity) };
}
