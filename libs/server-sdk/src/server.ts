import type { AddressPlan, PlanDiff } from '@busbar/address-plan';
import type { Diagnosis } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import type { z } from 'zod';
import type { ControlPort } from './control-port.js';
import type { EventQueue } from './event-queue.js';
import type { PointImage } from './point-image.js';

/** A third party that may connect. */
export interface ServerClientConfig {
  readonly name: string;
  /** IP addresses or CIDR blocks; empty: from anywhere. */
  readonly addresses: readonly string[];
  /** Masters of one group share one event cursor: one active connection, the others stand by. */
  readonly group: string;
  readonly control: boolean;
}

/** Who is connected now, for health and console. */
export interface ServerClient {
  /** Unique while the process lives. */
  readonly link: string;
  readonly name: string;
  readonly address: string;
  readonly sinceMs: number;
  /** In the words of the protocol: `started`, `stopped`, `standby`. */
  readonly state: string;
  /** Frames or requests received and sent. */
  readonly received: number;
  readonly sent: number;
}

export interface ServerLog {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface ServerTimers {
  setTimeout(work: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** Counters of a server; names as in the metrics `forwarder_*`. */
export interface ServerCounts {
  /** By why: address, limit, control, protocol, tls. */
  clientRefused(why: string): void;
  /** Requests by what was asked and how it was answered. */
  request(what: string, answer: string): void;
}

export interface ServerHost<Config> {
  /** Id of the forwarding connection. */
  readonly connection: string;
  readonly site: string;
  readonly config: Config;
  readonly clients: readonly ServerClientConfig[];
  /** False: every command is refused in the protocol's own words. */
  readonly control: boolean;
  readonly plan: AddressPlan;
  /** Of this plan; filled before `listen` is called. */
  readonly image: PointImage;
  readonly queue: EventQueue;
  readonly controls: ControlPort;
  readonly clock: Clock;
  readonly timers: ServerTimers;
  readonly log: ServerLog;
  readonly counts: ServerCounts;
  /** The value behind `secret:<path>`. */
  secret(reference: string): Promise<string>;
  /** Clients came or went. */
  changed(): void;
  /** Something that the user should see, while all goes on: a client that was not let in. */
  notice(diagnosis: Diagnosis): void;
  /** The listener itself is lost; it will be closed and started anew. */
  lost(diagnosis: Diagnosis): void;
}

export interface Replan {
  readonly plan: AddressPlan;
  readonly image: PointImage;
  readonly diff: PlanDiff;
  readonly clients: readonly ServerClientConfig[];
  readonly control: boolean;
}

export interface Listening {
  /** The port in use: port 0 of the settings means any free one. */
  readonly port: number;
  /** These slots of the image changed (the first `count`); never throws, never waits for a client. */
  apply(slots: Uint32Array, count: number): void;
  /**
   * Another plan, image or list of clients; connections that are still allowed stay. False: the change needs a new
   * listener (port, octets of an address, word order), and nothing was changed.
   */
  replan(next: Replan): boolean;
  clients(): readonly ServerClient[];
  /** Ends every connection, frees the port. Safe twice. */
  close(): Promise<void>;
}

export interface ServerSpec<Config = unknown> {
  readonly id: string;
  readonly version: string;
  readonly title: string;
  readonly summary: string;
  readonly stability: 'experimental' | 'beta' | 'stable' | 'deprecated';
  /** Every field `.meta({ title, description })`; secrets `secret: true`. */
  readonly config: z.ZodType<Config>;
  /** How its addresses are planned. */
  readonly addressing: 'iec104' | 'modbus';
  /** Resolves once the port listens; throws BusbarError (PORT_IN_USE, FORWARD_*). */
  listen(host: ServerHost<Config>, signal: AbortSignal): Promise<Listening>;
}

export type AnyServer = ServerSpec<never>;

export function defineServer<C>(spec: ServerSpec<C>): ServerSpec<C> {
  return Object.freeze(spec);
}
