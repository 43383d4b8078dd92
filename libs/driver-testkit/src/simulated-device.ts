import type { TagShape } from '@busbar/driver-sdk';
import type { Value } from '@busbar/model';

export interface SimulatedTag {
  readonly row: TagShape;
  /** What the last answer to a request for it must have held: encodes its address, so that one wrong value shows. */
  expected(): Value | readonly Value[];
}

export interface SimulatedFault {
  readonly name: string;
  /** The value must come all the same, for example from a frame that was cut into segments. */
  readonly isHarmless: boolean;
}

/** A device that speaks the protocol on a real socket and takes faults; what a driver's contract suite runs against. */
export interface SimulatedDevice {
  /** `with` of a connection, device and its quirks, such that time-outs are about `timeoutMs`. */
  readonly connection: Readonly<Record<string, unknown>>;
  readonly device: Readonly<Record<string, unknown>>;
  readonly quirks: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
  /** At least ten, in several requests. */
  readonly tags: readonly SimulatedTag[];
  /** Parses, but the device does not have it. */
  readonly refused: TagShape;
  readonly writable: { readonly row: TagShape; readonly values: readonly Value[] };
  readonly faults: readonly SimulatedFault[];
  /** Asked for each request that arrives; null: answer well. */
  choose(fault: (() => string | null) | null): void;
  /** Values that were executed at the writable address, in order. */
  written(): readonly Value[];
  openLinks(): number;
  /** Ends every link at once. */
  cut(): void;
  close(): Promise<void>;
}
