import type { Access, ByteOrder, PointType } from '@busbar/model';
import type { EventMode, Iec104Class, ModbusArea } from './address-plan.js';

/** What a thing model says of the point of a row. */
export interface RowPoint {
  readonly type: PointType;
  readonly kind: 'AI' | 'DI' | 'PI';
  readonly access: Access;
  /** In units of the point. */
  readonly range?: readonly [number, number];
  /** Keys of an enum. */
  readonly keys?: readonly string[];
}

/** Smallest change that is an event: a number after conversion, or a share of the model's range in percent. */
export type RowDeadband = { readonly absolute: number } | { readonly percent: number };

/** May differ for one kind of server. */
export interface RowOptions {
  readonly scale?: number;
  readonly offset?: number;
  readonly deadband?: RowDeadband;
  readonly event?: EventMode;
  /** 0-16. */
  readonly group?: number;
  readonly cyclic?: boolean;
  readonly background?: boolean;
}

export interface Iec104RowOptions extends RowOptions {
  /** `M_DP`; the command follows it (`C_DC`) unless it is named. */
  readonly type?: string;
  readonly command?: string;
}

export interface ModbusRowOptions extends RowOptions {
  readonly area?: ModbusArea;
  /** `uint16`, `string[16]` (octets). */
  readonly type?: string;
  readonly order?: ByteOrder;
}

export interface RowControl {
  readonly select?: boolean;
  /** 0-31. */
  readonly qualifier?: number;
  readonly limits?: readonly [number, number];
}

export interface PointRow extends RowOptions {
  readonly point: string;
  /** Id that the point had before. */
  readonly was?: string;
  readonly model: RowPoint;
  readonly values?: readonly (readonly [number | string | boolean, number])[];
  readonly iec104?: Iec104RowOptions;
  readonly modbus?: ModbusRowOptions;
  /** false: no command, even where the server takes some. */
  readonly control?: false | RowControl;
  /** Number of the reserved place of its device that it takes. */
  readonly replaces?: number;
}

export interface ReservedRow {
  /** Places, 1-1000. */
  readonly reserved: number;
  /** An IEC 104 class stands for the Modbus area of the same use, and the other way round. */
  readonly class: Iec104Class | ModbusArea;
  readonly iec104?: { readonly type?: string };
  readonly modbus?: { readonly type?: string };
}

export type TemplateRow = PointRow | ReservedRow;

/** Ordered points that a server offers for one thing model; the order gives the first addresses. */
export interface ForwardingTemplate {
  readonly id: string;
  readonly rows: readonly TemplateRow[];
}

/** An asset that is offered. */
export interface PlanDevice {
  readonly asset: string;
  /** Id that it had before. */
  readonly was?: string;
  /** Order of first addresses, unique in the connection; 0 or more. */
  readonly index: number;
  /** Key of `templates`. */
  readonly template: string;
  /** Number of its station with `stations: per-group`, added to the first one. */
  readonly group?: number;
}

export interface PlanSite {
  readonly devices: readonly PlanDevice[];
  readonly templates: ReadonlyMap<string, ForwardingTemplate>;
}

export function isReserved(row: TemplateRow): row is ReservedRow {
  return 'reserved' in row;
}
