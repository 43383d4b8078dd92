/** One value as the target has it. */
export interface ReceivedValue {
  readonly asset: string;
  readonly point: string;
  readonly value: unknown;
  /** The target's own word or number; undefined: the value came without one. */
  readonly quality: unknown;
  readonly timeMs: number;
}

export interface TargetAnswer {
  readonly id: string;
  readonly code: number;
}

/** A running target that speaks the protocol on a real socket and takes faults. A function that is there is a capability. */
export interface Target {
  /** What leads a sink here, as a user would write it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Open links. */
  readonly links: number;
  /** Requests or messages that arrived, taken or not. */
  readonly offered: number;
  /** Everything taken, in the order of arrival, repeats included. */
  readonly received: readonly ReceivedValue[];
  identity(asset: string): Record<string, string>;
  secret(reference: string): Promise<string>;
  /** While false the target takes and acknowledges nothing of what arrives; true takes it, in order. */
  setAcknowledging(on: boolean): void;
  /** Drops every link without a word; new ones are welcome. */
  cut(): void;
  stop(): Promise<void>;

  /** From now on this point of this asset is refused for good. */
  refuse?(asset: string, point: string): void;
  /** Sends a command to the asset. */
  command?(command: {
    readonly id: string;
    readonly asset: string;
    readonly values: Readonly<Record<string, unknown>>;
    readonly retained?: boolean;
  }): void;
  /** Answers to commands, in the order of arrival. */
  readonly answers?: readonly TargetAnswer[];
  /** Sends octets where the sink awaits replies and commands. */
  garbage?(octets: Uint8Array): void;
}

export interface TargetSimulator {
  start(): Promise<Target>;
}
