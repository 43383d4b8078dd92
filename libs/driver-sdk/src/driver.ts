import type { Access, ByteOrder, Clock, Quality, TagType, Value } from '@busbar/model';
import type { z } from 'zod';
import type { AddressFormat } from './address.js';

export interface Tag<Address> {
  /** Names the tag in requests and in `SampleWriter.put`. Unique in a list given to `plan`, but not its place there. */
  readonly index: number;
  readonly address: Address;
  readonly type: TagType | undefined;
  /** More than 1: an array. */
  readonly count: number;
  readonly length: number | undefined;
  readonly order: ByteOrder;
  readonly access: Access;
  readonly writeMode: string | undefined;
}

/** Every request of a driver carries at least these. */
export interface PlannedRequest {
  /** Indexes of the tags that it answers, each tag in exactly one request. */
  readonly tags: readonly number[];
  /** For people: `read holding 32080..32083`. */
  readonly text: string;
}

/** Where `read` puts values. The host converts (invalid, scale, min, max) and batches; nothing is allocated per value. */
export interface SampleWriter {
  /**
   * @param value the raw value as decoded (bool as 0 or 1); ignored for bad quality.
   * @param sourceTimeMs epoch ms of the device's clock; NaN where the protocol has none.
   */
  put(tagIndex: number, value: number, quality: Quality, sourceTimeMs: number): void;
  putText(tagIndex: number, value: string, quality: Quality, sourceTimeMs: number): void;
  putInt64(tagIndex: number, value: bigint, quality: Quality, sourceTimeMs: number): void;
  putArray(
    tagIndex: number,
    value: readonly (number | string | bigint)[],
    quality: Quality,
    sourceTimeMs: number,
  ): void;
}

/** `refused`: the device answered with a refusal of the whole request; the host splits and learns. */
export type ReadOutcome = { readonly kind: 'answered' } | { readonly kind: 'refused'; readonly reason: string };

export type FrameDirection = 'sent' | 'received';

export interface DriverLog {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** What the host lends. No globals, no environment, no clock of one's own. */
export interface DriverContext<Connection> {
  readonly connection: Connection;
  /** A write function code must not leave a read-only connection: the transport itself refuses. */
  readonly readOnly: boolean;
  readonly clock: Clock;
  readonly log: DriverLog;
  /** Every frame of the session passes here before it is sent and after it came, whole frames where known. */
  frame(direction: FrameDirection, bytes: Uint8Array): void;
  /** The value behind `secret:<path>`. */
  secret(reference: string): Promise<string>;
}

export interface WriteCommand<Device, Address, Quirks = unknown> {
  readonly device: Device;
  readonly quirks: Quirks;
  readonly address: Address;
  readonly type: TagType | undefined;
  readonly count: number;
  readonly length: number | undefined;
  readonly order: ByteOrder;
  readonly writeMode: string | undefined;
  /** The raw value, in range of the type (the host has rounded and refused). */
  readonly value: Value;
}

/**
 * `done`: the device acknowledged. `refused`: it said no. `not-sent`: certain, not an octet left. `unknown`: bytes may
 * have arrived. After a lost link it is `unknown`, never `done`, and nobody repeats it.
 */
export interface WriteResult {
  readonly outcome: 'done' | 'refused' | 'not-sent' | 'unknown';
  /** The device's own words. */
  readonly answer?: string;
  /** Why it is `unknown`; without it NO_ANSWER is assumed. */
  readonly reason?: 'LINK_LOST' | 'NO_ANSWER';
  /** After `unknown`: true if the session must be opened anew. */
  readonly sessionEnded?: boolean;
}

export interface PollCapability<Device, Quirks, Address, Session, Request extends PlannedRequest> {
  /** Pure; one device per call; the same tags give the same plan in whatever order they come. */
  plan(input: {
    readonly device: Device;
    readonly quirks: Quirks;
    readonly tags: readonly Tag<Address>[];
  }): readonly Request[];
  /** Answers every tag of the request, or is `refused`, or throws a DriverFaultError. */
  read(session: Session, request: Request, out: SampleWriter, signal: AbortSignal): Promise<ReadOutcome>;
}

export interface DriverSpec<
  Connection = unknown,
  Device = unknown,
  Quirks = unknown,
  Address = unknown,
  Session = unknown,
  Request extends PlannedRequest = PlannedRequest,
> {
  /** kebab-case, never reused; the transport is a setting. */
  readonly id: string;
  readonly version: string;
  readonly title: string;
  /** One sentence: the first line of its page. */
  readonly summary: string;
  readonly stability: 'experimental' | 'beta' | 'stable' | 'deprecated';
  /** Every field `.meta({ title, description, effect })`; secrets `secret: true`. */
  readonly connection: z.ZodType<Connection>;
  readonly device: z.ZodType<Device>;
  readonly quirks: z.ZodType<Quirks>;
  readonly address: AddressFormat<Address>;

  /** Throws DriverFaultError. */
  connect(context: DriverContext<Connection>, signal: AbortSignal): Promise<Session>;
  /** Safe twice, safe after a lost link, safe during a read; ends all background work before it resolves. */
  close(session: Session): Promise<void>;

  /** A capability is a function that is there. */
  readonly poll?: PollCapability<Device, Quirks, Address, Session, Request>;
  /**
   * Takes what a device sends by itself: the tags of its groups `event`. Begins with the present value of each tag, or
   * why it has none; `out` may be used at any time, also again for the same tag. Runs beside reads and writes until
   * `signal` aborts, then resolves; rejects with a DriverFaultError if the device or the link is gone before.
   */
  subscribe?(
    session: Session,
    input: { readonly device: Device; readonly quirks: Quirks; readonly tags: readonly Tag<Address>[] },
    out: SampleWriter,
    signal: AbortSignal,
  ): Promise<void>;
  /** Sends in the turn of the event loop in which it is called: the host checks right to write and deadline just before. */
  write?(session: Session, command: WriteCommand<Device, Address, Quirks>, signal: AbortSignal): Promise<WriteResult>;
}

/** A driver whose types only it knows; the catalog's and the host's view. */
export type AnyDriver = DriverSpec<never, never, never, never, never, never>;

/** Keeps the types of a driver while checking its shape; what a catalog lists. */
export function defineDriver<C, D, Q, A, S, R extends PlannedRequest>(
  spec: DriverSpec<C, D, Q, A, S, R>,
): DriverSpec<C, D, Q, A, S, R> {
  return Object.freeze(spec);
}
