import type { PointType } from '@busbar/model';
import type { EventMode, Iec104Class } from './address-plan.js';
import type { RowPoint } from './template.js';

export interface Iec104Type {
  readonly class: Iec104Class;
  /** Type identification without time, for interrogation; of a command. IEC 60870-5-101 §7.2.1. */
  readonly untimed: number;
  /** With CP56Time2a, for events; of a command with time tag. */
  readonly timed: number;
  readonly event: EventMode;
}

function monitored(name: Iec104Class, untimed: number, timed: number, event: EventMode): Iec104Type {
  return { class: name, untimed, timed, event };
}
const command = (name: Iec104Class, untimed: number): Iec104Type => ({
  class: name,
  untimed,
  timed: untimed + 13,
  event: 'none',
});

/** By the name that stands in packages and in the lock. */
export const IEC104_TYPES = {
  M_SP: monitored('YX', 1, 30, 'soe'),
  M_DP: monitored('YX', 3, 31, 'soe'),
  M_ST: monitored('YC', 5, 32, 'latest'),
  M_BO: monitored('YC', 7, 33, 'latest'),
  M_ME_NA: monitored('YC', 9, 34, 'latest'),
  M_ME_NB: monitored('YC', 11, 35, 'latest'),
  M_ME_NC: monitored('YC', 13, 36, 'latest'),
  M_IT: monitored('YM', 15, 37, 'none'),
  C_SC: command('YK', 45),
  C_DC: command('YK', 46),
  C_RC: command('YK', 47),
  C_SE_NA: command('YT', 48),
  C_SE_NB: command('YT', 49),
  C_SE_NC: command('YT', 50),
  C_BO: command('YT', 51),
} as const satisfies Record<string, Iec104Type>;
export type Iec104TypeName = keyof typeof IEC104_TYPES;

/** Undefined for a name that is none. */
export function iec104Type(name: string): Iec104Type | undefined {
  return Object.hasOwn(IEC104_TYPES, name) ? IEC104_TYPES[name as Iec104TypeName] : undefined;
}

const COMMANDS: Readonly<Record<string, Iec104TypeName>> = {
  M_SP: 'C_SC',
  M_DP: 'C_DC',
  M_ST: 'C_RC',
  M_BO: 'C_BO',
  M_ME_NA: 'C_SE_NA',
  M_ME_NB: 'C_SE_NB',
  M_ME_NC: 'C_SE_NC',
  M_IT: 'C_SE_NC',
};

/** Types that a number can be sent as. */
const NUMBER: readonly Iec104TypeName[] = ['M_ME_NC', 'M_ME_NB', 'M_ME_NA', 'M_IT', 'M_ST', 'M_BO'];
const ALLOWED: Readonly<Partial<Record<PointType, readonly Iec104TypeName[]>>> = {
  bool: ['M_SP', 'M_DP', 'M_ME_NB', 'M_ME_NC'],
  enum: ['M_ME_NB', 'M_DP', 'M_SP', 'M_ST', 'M_ME_NC', 'M_BO'],
  int: NUMBER,
  long: NUMBER,
  float: NUMBER,
  double: NUMBER,
};

/** Types that a point can be sent as; none for texts, arrays, structures, files and dates. */
export function iec104TypesFor({ type }: RowPoint): readonly Iec104TypeName[] {
  return ALLOWED[type] ?? [];
}

const INT16 = 32_767;

/** What a point is sent as unless its row says so; undefined: it cannot be sent. */
export function defaultIec104Type({ type, kind, range }: RowPoint): Iec104TypeName | undefined {
  if (type === 'bool') return 'M_SP';
  if (type === 'enum') return 'M_ME_NB';
  if (!ALLOWED[type]) return undefined;
  if (kind === 'PI') return 'M_IT';
  const isShort = range !== undefined && range[0] >= -INT16 - 1 && range[1] <= INT16;
  return type === 'int' && isShort ? 'M_ME_NB' : 'M_ME_NC';
}

/** The command whose feedback has that type. */
export function commandOf(type: string): Iec104TypeName {
  return COMMANDS[type] ?? 'C_SE_NC';
}

/** Commands that a point can be sent by: what its own types have for one, for a bool and an enum pulses too. */
export function commandsFor(point: RowPoint): readonly Iec104TypeName[] {
  return [...new Set(iec104TypesFor(point).map(commandOf))];
}

/** What a reserved place of a class holds until it is replaced. */
export const RESERVED_TYPES: Readonly<Record<Iec104Class, Iec104TypeName>> = {
  YX: 'M_SP',
  YC: 'M_ME_NC',
  YM: 'M_IT',
  YK: 'C_SC',
  YT: 'C_SE_NC',
};
