import type { PlanEntry } from '@busbar/address-plan';
import type { ServerClientConfig } from '@busbar/server-sdk';

/** A value as the third party has it. */
export interface ClientValue {
  /** After scaling, as on the wire; undefined: the protocol's word for "no value". */
  readonly value: number | undefined;
  /** Undefined: the protocol has no word for it. `uncertain` counts as good where it has only two. */
  readonly quality: 'good' | 'uncertain' | 'bad' | undefined;
  /** Source time, epoch ms; undefined where the protocol carries none in a read. */
  readonly timeMs: number | undefined;
}

export interface ClientEvent extends ClientValue {
  readonly station: number;
  readonly address: number;
}

export interface ClientCommand {
  readonly entry: PlanEntry;
  /** As on the wire. */
  readonly value: number;
}

/**
 * `done`: it was carried out; `refused`: no, for whatever reason; `pending`: taken, its end is not known; `unknown`:
 * nobody can say. `words` are the protocol's own: an exception, a cause.
 */
export interface CommandOutcome {
  readonly kind: 'done' | 'refused' | 'pending' | 'unknown';
  readonly words: string;
}

/** A master on a real socket, written apart from the server. A function that is there is a capability. */
export interface SimulatedClient {
  /** Resolves when the server has closed the link. */
  readonly closed: Promise<void>;
  /** By polling or by interrogation. Rejects when the link is gone, or after 5 s without an answer. */
  read(entry: PlanEntry): Promise<ClientValue>;
  command(command: ClientCommand): Promise<CommandOutcome>;
  /** Octets where requests are awaited. */
  garbage(octets: Uint8Array): void;
  /** Asks without an end and reads nothing any more; resolves when the system takes no more octets, or the link is gone. */
  flood(): Promise<void>;
  /** Drops the link without a word. Safe twice. */
  close(): void;

  /** Every change that came by itself, in the order of arrival; absent where the protocol has no events. */
  readonly events?: readonly ClientEvent[];
  /** False: what arrives is not confirmed any more; absent where the protocol confirms nothing. */
  setConfirming?(on: boolean): void;
}

export interface ClientSimulator {
  /** Settings of a server for it, port 0. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Who may connect unless a test says otherwise; absent: anybody, as one client. */
  readonly clients?: readonly ServerClientConfig[];
  /** Resolves when the server takes requests (after STARTDT in IEC 60870-5-104). */
  connect(port: number, from?: { readonly localAddress: string }): Promise<SimulatedClient>;
}
