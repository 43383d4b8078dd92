import type { ByteOrder } from '@busbar/model';

/** What addresses of a server are made of: object addresses of stations, or registers of units. */
export type PlanKind = 'iec104' | 'modbus';

export const IEC104_CLASSES = ['YX', 'YC', 'YM', 'YK', 'YT'] as const;
/** Single and double points, measured values, totals, commands, set points. */
export type Iec104Class = (typeof IEC104_CLASSES)[number];

export const MODBUS_AREAS = ['coil', 'discrete', 'input', 'holding'] as const;
export type ModbusArea = (typeof MODBUS_AREAS)[number];

/**
 * A run of addresses of its own: a class or area, `quality` (bits beside Modbus values, area discrete) or `service`
 * (IEC 104: mixed types; Modbus: area input).
 */
export type PlanClass = Iec104Class | ModbusArea | 'quality' | 'service';

export type EntryRole = 'value' | 'control' | 'quality' | 'service' | 'reserved';

/** Numbers about the connection itself; `communication` and `age` are there once per device. */
export const SERVICE_POINTS = [
  'heartbeat',
  'digest',
  'generation',
  'lost',
  'dropped',
  'clock',
  'result.sequence',
  'result.end',
  'result.rule',
  'result.address',
  'result.age',
  'communication',
  'age',
] as const;
export type ServicePoint = (typeof SERVICE_POINTS)[number];

/** `soe`: every change in order; `latest`: only the newest value; `none`: by interrogation alone. */
export type EventMode = 'soe' | 'latest' | 'none';

export interface ControlSpec {
  /** A command must be selected before it is executed. */
  readonly select: boolean;
  /** QU of a command (IEC 60870-5-101 §7.2.6.26): 0 as the device does, 1 short, 2 long, 3 persistent. */
  readonly qualifier: number;
  /** In units of the point; a command beyond them is refused. */
  readonly limits?: readonly [number, number];
}

/** One address. Identity: `class` and `id` within its station; names and titles play no part. */
export interface PlanEntry {
  /** `<asset>/<point>`, `<asset>/reserved.<n>`, `@<service>` or `@<service>/<asset>`. */
  readonly id: string;
  readonly role: EntryRole;
  readonly class: PlanClass;
  readonly asset?: string;
  readonly point?: string;
  readonly service?: ServicePoint;
  /** Common address of an IEC 104 station, or Modbus unit. */
  readonly station: number;
  /** Information object address, or first register or bit. */
  readonly address: number;
  /** Addresses taken: registers of a Modbus value, else 1. */
  readonly width: number;
  /** IEC 104: `M_SP M_DP M_ST M_BO M_ME_NA M_ME_NB M_ME_NC M_IT C_SC ..`; Modbus: `bool uint16 float32 string[8] ..`. */
  readonly type: string;
  /** Modbus values of more than one register. */
  readonly order?: ByteOrder;
  /** What is sent: scale * value + offset; a command is turned back the same way. */
  readonly scale: number;
  readonly offset: number;
  /** Pairs point value, number sent, before scaling; for enums whose keys are texts or differ from what is sent. */
  readonly values?: readonly (readonly [number | string | boolean, number])[];
  /** Smallest change that is an event, after conversion; 0: any change. */
  readonly deadband: number;
  readonly event: EventMode;
  /** Interrogation group 1-16; 0: the general interrogation alone. */
  readonly group: number;
  readonly cyclic: boolean;
  readonly background: boolean;
  /** Role `control` alone. */
  readonly control?: ControlSpec;
  /** A command's feedback, a value's command, a quality bit's value; in the same station. */
  readonly pair?: { readonly class: PlanClass; readonly address: number };
}

/** An address that nobody may get again but the same identity. */
export interface Tombstone {
  readonly id: string;
  readonly class: PlanClass;
  readonly station: number;
  readonly address: number;
  readonly width: number;
  readonly type: string;
}

/** Free places in a device's block, for its later points. */
export interface SparePlaces {
  readonly asset: string;
  readonly class: PlanClass;
  readonly station: number;
  readonly address: number;
  readonly width: number;
}

export interface AddressPlan {
  readonly kind: PlanKind;
  /** By station, class and address; the index is the slot of an entry in an image. Reserved places included. */
  readonly entries: readonly PlanEntry[];
  readonly tombstones: readonly Tombstone[];
  readonly spares: readonly SparePlaces[];
  /** SHA-256 in hex of everything that a third party can see of it. */
  readonly digest: string;
}

export type PlanFindingCode =
  | 'FORWARD_INDEX'
  | 'FORWARD_STATION'
  | 'FORWARD_TYPE'
  | 'FORWARD_PRECISION'
  | 'FORWARD_DEADBAND'
  | 'FORWARD_PLACE'
  | 'FORWARD_SPACE'
  | 'FORWARD_TAIL';

export interface PlanFinding {
  /** With an error the plan must not be used. */
  readonly severity: 'error' | 'warning' | 'note';
  readonly code: PlanFindingCode;
  readonly params: Readonly<Record<string, string | number>>;
  readonly asset?: string;
  readonly template?: string;
  /** Row of the template, from 0. */
  readonly row?: number;
}
