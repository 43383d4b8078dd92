import type { ModbusBank } from '@busbar/protocol-modbus';
import type { FaultList } from './faults.js';
import type { Journal } from './journal.js';

/** A device of the simulator, as endpoint and HTTP see it. */
export interface SimulatedDevice {
  readonly id: string;
  /** The unit id that it answers to; null: to any. */
  readonly unit: number | null;
  readonly bank: ModbusBank;
  readonly faults: FaultList;
  /** Requests that were carried out. */
  reads: number;
  writes: number;
  /** Engineering units, by tag id. */
  values(): Readonly<Record<string, number | string>>;
  /** Only in counting mode. */
  readonly journals?: { readonly reads: Journal; readonly writes: Journal };
}
