import type { SampleBatch } from '@busbar/batch';
import type { Diagnosis } from '@busbar/errors';
import type { ControlValue, PointConfig } from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { z } from 'zod';
import type { FileContext, FileReceipt, OutgoingFile } from './sink-file.js';

export interface SinkAsset {
  readonly asset: string;
  readonly title: string;
  readonly model: string;
  /** Checked by the sink's `identity` schema. */
  readonly identity: Readonly<Record<string, string>>;
}

/** What of one batch is sent: the uploader decided, the sink words it. */
export interface SinkMessage {
  readonly asset: SinkAsset;
  readonly batch: SampleBatch;
  /** Indexes into the columns of the batch, ascending. */
  readonly selected: ArrayLike<number>;
  /** Point by handle (index = number of the point in its model). One array per model: sinks keep what they made of it. */
  readonly points: readonly (PointConfig | undefined)[];
  /** True for a value collected longer ago than the sink's backfill limit. */
  readonly late: boolean;
}

/** What the target will never accept, by message; the rest of the batch was accepted. */
export interface Rejection {
  /** Index into the messages given. */
  readonly message: number;
  /** Values refused in it. */
  readonly count: number;
  readonly diagnosis: Diagnosis;
}

export interface SinkCommand {
  /** The target's own id of the command; a repeat of it is the same command. */
  readonly externalId: string;
  readonly asset: string;
  readonly values: readonly { readonly point: string; readonly value: ControlValue }[];
  /** ms the target still waits; undefined: the policy's default. */
  readonly expiresInMs?: number;
  /** Who asked, as the target says it, at most 64 octets. */
  readonly who: string;
}

/** The answer in the words of control.md 8: EnOS codes 200 or 21xx. */
export interface CommandAnswer {
  readonly code: number;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface SinkLog {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface SinkContext<Config> {
  readonly sink: string;
  readonly site: string;
  readonly config: Config;
  readonly assets: readonly SinkAsset[];
  /** Points of a model by their number: what the values of a command are typed by. Undefined for a model not known. */
  points(model: string): readonly (PointConfig | undefined)[] | undefined;
  readonly clock: Clock;
  readonly log: SinkLog;
  /** The value behind `secret:<path>`. */
  secret(reference: string): Promise<string>;
  /** Absent when the target may not command. Resolves with the answer to give back; never rejects. */
  readonly command?: (command: SinkCommand) => Promise<CommandAnswer>;
  /** The link was lost (throw from `send` is for the batch, this is for idle times). */
  lost(diagnosis: Diagnosis): void;
  /** Counts values that were not sent because the target has no word for them; they are no rejections. */
  readonly skipped?: (values: number, reason: 'no-value') => void;
}

export interface SinkSpec<Config = unknown, Session = unknown> {
  readonly id: string;
  readonly version: string;
  readonly title: string;
  readonly summary: string;
  readonly stability: 'experimental' | 'beta' | 'stable' | 'deprecated';
  /** Every field `.meta({ title, description })`; secrets `secret: true`. `$site` etc. stay as written. */
  readonly config: z.ZodType<Config>;
  /** Fields that one asset needs at this target. */
  readonly identity: z.ZodType<Record<string, string>>;

  /** Resolves when the target takes data; throws BusbarError (CONNECTION_*). */
  connect(context: SinkContext<Config>, signal: AbortSignal): Promise<Session>;
  close(session: Session): Promise<void>;
  /**
   * Resolves when the target has everything but the rejections; throws to have all of it tried again.
   * Order per asset is kept, also between calls under way at the same time (a few); after a throw the caller awaits
   * the others and goes on with the oldest that failed. A session that threw CONNECTION_LOST is of no more use.
   */
  send(session: Session, messages: readonly SinkMessage[], signal: AbortSignal): Promise<readonly Rejection[]>;
  /**
   * Resolves when the target has the file and the value that names it. Opens and closes what it needs: it is called by
   * another process than `connect`, one file at a time. Throws FILE_REFUSED for what the target does not accept,
   * CONNECTION_*, SINK_BUSY for what may pass.
   */
  sendFile?(context: FileContext<Config>, file: OutgoingFile, signal: AbortSignal): Promise<FileReceipt>;
}

export type AnySink = SinkSpec<never, never>;

export function defineSink<C, S>(spec: SinkSpec<C, S>): SinkSpec<C, S> {
  return Object.freeze(spec);
}
