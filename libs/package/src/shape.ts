import type { ErrorCode, ErrorParams } from '@busbar/errors';
import { z } from 'zod';
import { listed, suggestion } from './nearest.js';
import type { Place } from './place.js';
import type { Report } from './report.js';
import { keyPlace, looseScalars, type MapTree, type Path, type Tree, toValue, treeAt, valuePlace } from './tree.js';

/** What is being checked, for sentences and places. */
export interface Subject {
  /** `connection`, `device`, `point`. */
  readonly kind: string;
  readonly id: string;
  /** Of the key, or of whatever else stands for the whole. */
  readonly place: Place;
  readonly tree: Tree;
}

/** Put into `params` of a custom issue: the finding that it is. */
export interface FindingParams {
  readonly code: ErrorCode;
  readonly params: ErrorParams;
}

/** Tries numbers first where a placeholder may be either, then the texts of those that are refused. */
export function withLoose<T>(tree: Tree, parse: (value: unknown) => { problems: readonly Path[]; result: T }): T {
  const first = parse(toValue(tree));
  if (first.problems.length === 0) return first.result;
  const loose = new Set(looseScalars(tree));
  const refused = first.problems
    .map((path) => path.map((step) => `/${step}`).join(''))
    .filter((path) => loose.has(path));
  return refused.length === 0 ? first.result : parse(toValue(tree, new Set(refused))).result;
}

/** The checked value, or undefined after reporting everything that is wrong with it. */
export function checkShape<S extends z.ZodType>(schema: S, subject: Subject, report: Report): z.output<S> | undefined {
  const parsed = withLoose(subject.tree, (value) => {
    const result = schema.safeParse(value);
    return { problems: result.success ? [] : result.error.issues.map(({ path }) => path as Path), result };
  });
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) reportIssue(issue, schema, subject, report);
  return undefined;
}

function reportIssue(issue: z.core.$ZodIssue, schema: z.ZodType, subject: Subject, report: Report): void {
  const path = issue.path as Path;
  const { tree, place } = subject;
  const field = path.length === 0 ? subject.id : path.join('.');
  const at = valuePlace(tree, path, place);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = fieldsAt(schema, path);
      for (const key of issue.keys) {
        const kind = path.length === 0 ? subject.kind : `${path.join('.')} of a ${subject.kind}`;
        report.add('FIELD_UNKNOWN', keyPlace(tree, [...path, key], place), {
          kind,
          field: key,
          allowed: suggestion(key, known),
        });
      }
      return;
    }
    case 'invalid_type': {
      const found = treeAt(tree, path);
      if (!found) {
        const parent = path.length <= 1 ? place : keyPlace(tree, path.slice(0, -1), place);
        const params = { kind: subject.kind, id: subject.id, field, sample: sampleOf(schema, path, field) };
        report.record('FIELD_MISSING', parent, { params, mark: field });
        return;
      }
      report.add('FIELD_TYPE', at, { field, ...typeParams(found, issue.expected) });
      return;
    }
    case 'custom': {
      const finding = issue.params as FindingParams | undefined;
      if (finding?.code === 'NOT_BUILT') {
        report.add('NOT_BUILT', keyPlace(tree, path, place), finding.params);
        return;
      }
      if (finding) {
        report.add(finding.code, at, { field, ...finding.params });
        return;
      }
      break;
    }
    case 'invalid_value':
      report.add('FIELD_VALUE', at, {
        value: shown(treeAt(tree, path)),
        field,
        allowed: listed(issue.values.map(String)),
      });
      return;
    case 'invalid_key':
      report.add('ID_INVALID', keyPlace(tree, path, place), { kind: field, id: String(path.at(-1)) });
      return;
    case 'too_small':
    case 'too_big': {
      const bound = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
      const unit = issue.origin === 'array' ? ' items' : issue.origin === 'string' ? ' characters' : '';
      report.add('FIELD_VALUE', at, { value: shown(treeAt(tree, path)), field, allowed: `${bound}${unit}` });
      return;
    }
    default:
      break;
  }
  report.add('FIELD_VALUE', at, { value: shown(treeAt(tree, path)), field, allowed: 'something else' });
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map',
  record: 'a map',
  array: 'a list',
  tuple: 'a list',
};

function wordOf(tree: Tree): string {
  if (tree.kind !== 'scalar') return tree.kind === 'map' ? 'a map' : 'a list';
  if (typeof tree.value === 'number') return 'a number';
  return typeof tree.value === 'boolean' ? 'true or false' : 'a text';
}

function shown(tree: Tree | undefined): string {
  if (!tree) return 'nothing';
  return tree.kind === 'scalar' ? String(tree.source ?? tree.value).slice(0, 80) : wordOf(tree);
}

function typeParams(tree: Tree, expected: string): Record<string, string> {
  const wanted = WORDS[expected] ?? expected;
  const examples: Readonly<Record<string, string>> = {
    'a text': tree.kind === 'scalar' ? `"${shown(tree)}"` : 'a text',
    'a number': '10',
    'a whole number': '10',
    'a map': '{ name: value }',
    'a list': '[ first, second ]',
  };
  return { wanted, actual: wordOf(tree), example: examples[wanted] ?? wanted };
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  const def = schema._zod.def as { innerType?: z.core.$ZodType; in?: z.core.$ZodType; out?: z.core.$ZodType };
  if (def.innerType) return unwrapped(def.innerType);
  if (def.in && def.out) return unwrapped(isTransform(def.in) ? def.out : def.in);
  return schema;
}

function isTransform(schema: z.core.$ZodType): boolean {
  return schema._zod.def.type === 'transform';
}

function schemaAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType | undefined {
  let current: z.core.$ZodType | undefined = unwrapped(schema);
  for (const step of path) {
    const def: { shape?: Record<string, z.core.$ZodType>; valueType?: z.core.$ZodType; element?: z.core.$ZodType } =
      current._zod.def as never;
    const next: z.core.$ZodType | undefined = def.shape?.[String(step)] ?? def.valueType ?? def.element;
    if (!next) return undefined;
    current = unwrapped(next);
  }
  return current;
}

function fieldsAt(schema: z.core.$ZodType, path: Path): string[] {
  const def = schemaAt(schema, path)?._zod.def as { shape?: Record<string, unknown> } | undefined;
  return Object.keys(def?.shape ?? {});
}

/** `.meta({ sample })` of the field, for FIELD_MISSING. */
function sampleOf(schema: z.core.$ZodType, path: Path, field: string): string {
  const found = schemaAt(schema, path);
  const sample = found ? z.globalRegistry.get(found)?.sample : undefined;
  return typeof sample === 'string' ? sample : `${field}: ..`;
}

/** Entities of a map of ids, each a map; what is none is reported. */
export function subjectsOf(map: Tree | undefined, kind: string, report: Report): (Subject & { tree: MapTree })[] {
  if (!map) return [];
  if (map.kind !== 'map') {
    const params = { field: `${kind}s`, wanted: 'a map of ids', actual: wordOf(map), example: '{ my-id: { .. } }' };
    report.add('FIELD_TYPE', map.place, params);
    return [];
  }
  const subjects: (Subject & { tree: MapTree })[] = [];
  for (const [id, { keyPlace: place, value }] of map.entries) {
    if (value.kind === 'map') subjects.push({ kind, id, place, tree: value });
    else
      report.add('FIELD_TYPE', value.place, {
        field: id,
        wanted: 'a map',
        actual: wordOf(value),
        example: '{ name: value }',
      });
  }
  return subjects;
}
