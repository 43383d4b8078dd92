import { type Access, BYTE_ORDERS, type ByteOrder, TAG_TYPES, type TagType } from '@busbar/model';
import { z } from 'zod';
import { type AddressFormat, type AddressProblem, isAddressProblem } from './address.js';
import type { AnyDriver } from './driver.js';

/** What is wrong with one field of `with`, `quirks` or a connection. */
export interface OptionProblem {
  /** Path below the checked object: `['host']`. */
  readonly path: readonly (string | number)[];
  readonly reason: string;
  readonly fix: string;
}

export interface CheckedOptions {
  /** The options with defaults filled in, or what is wrong with them. */
  parse(
    options: unknown,
  ): { readonly value: Record<string, unknown> } | { readonly problems: readonly OptionProblem[] };
  /** Dotted paths of fields that take `secret:` only. */
  readonly secrets: readonly string[];
}

/** A row of a point table, as texts of the file. */
export interface CheckedTag {
  readonly address: string;
  readonly type: string | undefined;
  readonly count: number;
  readonly length: number | undefined;
  readonly order: string;
  readonly access: string;
  readonly writeMode: string | undefined;
}

/** What the validation of a package asks of a driver, without its types. */
export interface DriverCheck {
  readonly id: string;
  readonly connection: CheckedOptions;
  readonly device: CheckedOptions;
  readonly quirks: CheckedOptions;
  readonly addressExamples: readonly string[];
  checkTag(row: CheckedTag, base: 0 | 1): AddressProblem | null;
  readonly subscribes: boolean;
}

interface JsonSchema {
  readonly secret?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

function collectSecrets(schema: JsonSchema, path: string, secrets: string[]): void {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const here = path === '' ? name : `${path}.${name}`;
    if (field.secret === true) secrets.push(here);
    collectSecrets(field, here, secrets);
  }
}

function toProblems(issues: readonly z.core.$ZodIssue[], json: JsonSchema): OptionProblem[] {
  return issues.flatMap((issue): OptionProblem[] => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    if (issue.code === 'unrecognized_keys') {
      const known = Object.keys(json.properties ?? {}).join(', ');
      return issue.keys.map((key) => ({
        path: [...path, key],
        reason: 'the driver knows no such field',
        fix: known === '' ? 'Take it out.' : `Fields: ${known}.`,
      }));
    }
    const field = path.reduce<JsonSchema | undefined>((at, part) => at?.properties?.[String(part)], json);
    return [{ path, reason: issue.message, fix: field?.description ?? 'See the page of the driver.' }];
  });
}

/** Checks options by a plug-in's schema and words what is wrong. */
export function checkedOptions(schema: z.ZodType): CheckedOptions {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const secrets: string[] = [];
  collectSecrets(json, '', secrets);
  return {
    secrets,
    parse(options) {
      const result = schema.safeParse(options ?? {});
      if (result.success) return { value: result.data as Record<string, unknown> };
      return { problems: toProblems(result.error.issues, json) };
    },
  };
}

function asMember<T extends string>(list: readonly T[], text: string): T | undefined {
  return list.find((member) => member === text);
}

/** The driver as the validator of packages sees it. */
export function driverCheck(driver: AnyDriver): DriverCheck {
  const address = driver.address as unknown as AddressFormat<unknown>;
  return {
    id: driver.id,
    connection: checkedOptions(driver.connection),
    device: checkedOptions(driver.device),
    quirks: checkedOptions(driver.quirks),
    addressExamples: address.examples,
    subscribes: driver.subscribe !== undefined,
    checkTag(row, base) {
      const parsed = address.parse(row.address, base);
      if (isAddressProblem(parsed)) return parsed.problem;
      const type: TagType | undefined = row.type === undefined ? undefined : asMember(TAG_TYPES, row.type);
      if (row.type !== undefined && type === undefined) {
        return { code: 'TAG_TYPE', reason: `${row.type} is no type`, fix: `Types: ${TAG_TYPES.join(', ')}.` };
      }
      const order: ByteOrder = asMember(BYTE_ORDERS, row.order) ?? 'ABCD';
      const access: Access = asMember(['r', 'w', 'rw'], row.access) ?? 'r';
      return address.check(parsed, { ...row, type, order, access });
    },
  };
}
