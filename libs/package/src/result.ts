import type { ErrorCode, ErrorParams } from '@busbar/errors';
import type { Configuration } from '@busbar/events';

/** A file of the package, path relative to its folder with `/`. Reading files is the caller's matter: this library is pure. */
export interface PackageFile {
  readonly path: string;
  readonly content: Uint8Array;
}

/** What validation asks of the installed plug-ins; the caller makes it from the catalogs. */
export interface PackagePlugins {
  readonly drivers: ReadonlyMap<string, DriverCheck>;
  readonly sinks: ReadonlyMap<string, SinkCheck>;
  /** Absent: no forwarding server is installed. */
  readonly servers?: ReadonlyMap<string, ServerCheck>;
}

export interface FieldProblem {
  /** Path below the checked object: `['host']`. */
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

export interface TagRow {
  readonly address: string;
  readonly type: string | undefined;
  readonly count: number;
  readonly length: number | undefined;
  readonly order: string;
  readonly access: string;
  readonly writeMode: string | undefined;
}

export interface DriverCheck {
  readonly id: string;
  readonly connection: OptionsCheck;
  readonly device: OptionsCheck;
  readonly quirks: OptionsCheck;
  readonly addressExamples: readonly string[];
  /** null: fine. `base` as in the protocol. Also judges type, access and length against the address. */
  checkTag(
    row: TagRow,
    base: 0 | 1,
  ): {
    readonly code: 'TAG_ADDRESS' | 'TAG_TYPE' | 'TAG_ACCESS' | 'TAG_LENGTH';
    readonly reason: string;
    readonly fix: string;
  } | null;
  /** True when the driver subscribes: a tag without a group is then `event`, else `5s`. */
  readonly subscribes: boolean;
}

export interface SinkCheck {
  readonly id: string;
  readonly config: OptionsCheck;
  readonly identity: OptionsCheck;
}

export interface ServerCheck {
  readonly id: string;
  /** What its addresses are made of; the fields that they are planned by are part of its options. */
  readonly addressing: 'iec104' | 'modbus';
  /** Of `with`, but for who may connect, which is alike for all servers. */
  readonly config: OptionsCheck;
}

export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly code: ErrorCode;
  readonly params: ErrorParams;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** How many instances this one line breaks (an `each`, a table used by many devices). */
  readonly instances: number;
}

/** One line of busbar.lock. */
export interface LockLine {
  readonly kind: 'tag' | 'point' | 'address' | 'index';
  readonly scope: string;
  readonly number: number;
  readonly id: string;
  readonly type: string;
  readonly state: '' | 'retired';
}

export interface ValidPackage {
  readonly configuration: Configuration;
  /** The lock with every number that this package needs; equal to the given one if nothing is new. */
  readonly lock: readonly LockLine[];
}

export interface Validation {
  readonly findings: readonly Finding[];
  /** Absent when any finding is an error. */
  readonly valid?: ValidPackage;
}
