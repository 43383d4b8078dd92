import type { Bus, Following } from '@busbar/bus';
import { BusbarError } from '@busbar/errors';
import {
  type ControlRequest,
  type Deadline,
  decodeJson,
  type End,
  encodeJson,
  type ItemResult,
  type Origin,
} from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { FactoryProvider, OnApplicationShutdown } from '@nestjs/common';
import { BUS, CLOCK, IDENTITY, type ProcessIdentity } from './tokens.js';
import { ulid } from './ulid.js';

/** A decision comes within this time or never. */
const DECIDE_MS = 2_000;
/** An end that nobody waits for any more is forgotten after this. */
const FORGET_MS = 600_000;

export interface ControlWish {
  readonly origin: Origin;
  readonly items: ControlRequest['items'];
  readonly act?: ControlRequest['act'];
  /** Default 30 s, at most 300 s: longer is cut (control.md 3). */
  readonly expiresInMs?: number | undefined;
  readonly holdMs?: number | undefined;
  readonly priority?: number | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface ControlOutcome {
  readonly end: End;
  readonly items: readonly ItemResult[];
}

export interface Submitted {
  readonly request: ControlRequest;
  /** The one end of the request; never rejects, never resolves if nobody can say (the asker has a limit of its own). */
  readonly ended: Promise<ControlOutcome>;
}

export const DEFAULT_EXPIRY_MS = 30_000;
export const MAX_EXPIRY_MS = 300_000;

/** Where a wish enters the bus and its end comes back, for every service that lets people or programs ask. */
export class ControlEntry implements OnApplicationShutdown {
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #identity: ProcessIdentity;
  readonly #open = new Map<string, { resolve(outcome: ControlOutcome): void; readonly untilMs: number }>();
  readonly #following: Following[];

  constructor(bus: Bus, clock: Clock, identity: ProcessIdentity) {
    this.#bus = bus;
    this.#clock = clock;
    this.#identity = identity;
    this.#following = [
      bus.follow('control.refused.v1', (record) => {
        if (!record.value || this.#open.size === 0) return;
        const { request, end } = decodeJson('control.refused.v1', record.value);
        this.#settle(request.id, { end, items: [] });
      }),
      bus.follow('control.executed.v1', (record) => {
        if (!record.value || this.#open.size === 0) return;
        const result = decodeJson('control.executed.v1', record.value);
        if (result.kind === 'ended' && !result.late) this.#settle(result.id, { end: result.end, items: result.items });
      }),
    ];
  }

  /** Publishes the request; resolves when it is durable. Throws CONTROL_NO_BUS if the bus does not take it. */
  async submit(wish: ControlWish, topicKey: string): Promise<Submitted> {
    const expiryMs = Math.min(MAX_EXPIRY_MS, wish.expiresInMs ?? DEFAULT_EXPIRY_MS);
    if (this.#bus.health().state === 'down') throw new BusbarError('CONTROL_NO_BUS');
    // Times run from the wish, not from when the bus is there at last: an old wish must not look new.
    const requestedAt = this.#clock.wallMs();
    const [decideBy, expiresAt] = [this.#deadline(DECIDE_MS), this.#deadline(expiryMs)];
    await Promise.all(this.#following.map((following) => following.ready));
    if (this.#clock.monotonicMs() >= decideBy.monotonicMs) throw new BusbarError('CONTROL_NO_BUS');
    const request: ControlRequest = {
      id: ulid(requestedAt),
      act: wish.act ?? 'operate',
      origin: wish.origin,
      items: wish.items,
      ...(wish.priority === undefined ? {} : { priority: wish.priority }),
      ...(wish.holdMs === undefined ? {} : { holdMs: wish.holdMs }),
      dryRun: wish.dryRun ?? false,
      requestedAt,
      decideBy,
      expiresAt,
    };
    const ended = this.#await(request.id);
    try {
      await this.#bus.publish([
        { topic: 'control.requested.v1', key: topicKey, value: encodeJson('control.requested.v1', request) },
      ]);
    } catch (cause) {
      this.#open.delete(request.id);
      throw new BusbarError('CONTROL_NO_BUS', {}, { cause });
    }
    return { request, ended };
  }

  onApplicationShutdown(): Promise<void> {
    return this.stop();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#following.map((following) => following.stop()));
  }

  #deadline(ms: number): Deadline {
    return {
      bootId: this.#identity.bootId,
      monotonicMs: this.#clock.monotonicMs() + ms,
      wallMs: this.#clock.wallMs() + ms,
    };
  }

  #await(id: string): Promise<ControlOutcome> {
    const nowMs = this.#clock.monotonicMs();
    for (const [old, { untilMs }] of this.#open) if (untilMs < nowMs) this.#open.delete(old);
    return new Promise((resolve) => this.#open.set(id, { resolve, untilMs: nowMs + FORGET_MS }));
  }

  #settle(id: string, outcome: ControlOutcome): void {
    const waiting = this.#open.get(id);
    if (!waiting) return;
    this.#open.delete(id);
    waiting.resolve(outcome);
  }
}

/** For the modules that let people or programs ask; the others need no readers of control's ends. */
export const CONTROL_ENTRY: FactoryProvider<ControlEntry> = {
  provide: ControlEntry,
  inject: [BUS, CLOCK, IDENTITY],
  useFactory: (bus: Bus, clock: Clock, identity: ProcessIdentity) => new ControlEntry(bus, clock, identity),
};
