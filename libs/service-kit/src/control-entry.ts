import type { Bus, Following } from '@busbar/bus';
import { BusbarError } from '@busbar/errors';
import {
  type ControlRequest,
  type Deadline,
  decodeJson,
  type End,
  encodeJson,
  type Grant,
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
/** A cancel for a lost link is worth nothing once the selection has lapsed anyhow. */
const CANCEL_MS = 10_000;
const WHO_OCTETS = 64;
/** IEC 61850-7-3 orCat: remote control. */
const REMOTE = 3;

/** A third party that commands through a forwarding connection. */
export interface ExternalClient {
  /** Of the forwarding connection. */
  readonly connection: string;
  /** Control source of the client in the configuration, without `external:`. */
  readonly source: string;
  /** Its name; cut to 64 octets. */
  readonly client: string;
  /** Unique among the links of this connection while the process lives. */
  readonly link: string;
}

function cutTo(text: string, octets: number): string {
  const room = new Uint8Array(octets);
  const { read } = new TextEncoder().encodeInto(text, room);
  return text.slice(0, read);
}

export interface ControlWish {
  readonly origin: Origin;
  /** Several are decided all or none, written in this order, and stopped at the first that is not executed. */
  readonly items: ControlRequest['items'];
  readonly act?: ControlRequest['act'];
  /** Default 30 s, at most 300 s: longer is cut (control.md 3). */
  readonly expiresInMs?: number | undefined;
  readonly holdMs?: number | undefined;
  readonly priority?: number | undefined;
  readonly dryRun?: boolean | undefined;
  /** Epoch ms by the asker's own clock: over 10 s old or 2 s ahead is refused as TOO_OLD. */
  readonly sourceAt?: number | undefined;
}

/** The first answer. `expired`: there was no decision in time, certainly nothing is written. */
export type ControlDecision =
  | { readonly kind: 'granted' }
  | Extract<End, { readonly kind: 'refused' }>
  | Extract<End, { readonly kind: 'expired' }>;

export interface ControlOutcome {
  readonly end: End;
  readonly items: readonly ItemResult[];
}

export interface Submitted {
  readonly request: ControlRequest;
  /**
   * As soon as it is known whether the request may go: a select, a cancel or a dry run ends with it. Never rejects, never
   * resolves while the request waits behind another write (the asker has a limit of its own).
   */
  readonly decided: Promise<ControlDecision>;
  /** The one end of the request; never rejects, never resolves if nobody can say (the asker has a limit of its own). */
  readonly ended: Promise<ControlOutcome>;
}

export const DEFAULT_EXPIRY_MS = 30_000;
export const MAX_EXPIRY_MS = 300_000;

interface Waiting {
  readonly untilMs: number;
  decide(decision: ControlDecision): void;
  end(outcome: ControlOutcome): void;
}

/** What a link has selected and not operated since, as far as the entry knows. */
interface LinkSelections {
  readonly origin: Origin;
  readonly topicKey: string;
  readonly points: Set<string>;
}

/** Where a wish enters the bus and its end comes back, for every service that lets people or programs ask. */
export class ControlEntry implements OnApplicationShutdown {
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #identity: ProcessIdentity;
  readonly #open = new Map<string, Waiting>();
  readonly #links = new Map<string, LinkSelections>();
  readonly #following: Following[];
  readonly #ready: Promise<unknown>;

  constructor(bus: Bus, clock: Clock, identity: ProcessIdentity) {
    this.#bus = bus;
    this.#clock = clock;
    this.#identity = identity;
    this.#following = [
      bus.follow('control.granted.v1', (record) => {
        if (!record.value || this.#open.size === 0) return;
        const grant = (record.object as Grant | undefined) ?? decodeJson('control.granted.v1', record.value);
        this.#open.get(grant.request.id)?.decide({ kind: 'granted' });
      }),
      bus.follow('control.refused.v1', (record) => {
        if (!record.value || this.#open.size === 0) return;
        const { request, end } = decodeJson('control.refused.v1', record.value);
        this.#settle(request.id, { end, items: [] });
      }),
      bus.follow('control.executed.v1', (record) => {
        if (!record.value || this.#open.size === 0) return;
        const result = decodeJson('control.executed.v1', record.value);
        if (result.kind === 'acknowledged') this.#open.get(result.id)?.decide({ kind: 'granted' });
        else if (!result.late) this.#settle(result.id, { end: result.end, items: result.items });
      }),
    ];
    this.#ready = Promise.all(this.#following.map((following) => following.ready));
    // Who submits hears of it.
    this.#ready.catch(() => undefined);
  }

  /** Its link is never another one's, after a restart neither: a selection must not come to somebody else. */
  externalOrigin({ connection, source, client, link }: ExternalClient): Origin {
    return {
      source: `external:${source}`,
      kind: 'external',
      category: REMOTE,
      who: cutTo(client, WHO_OCTETS),
      link: `${this.#identity.instance}/${connection}/${link}`,
    };
  }

  /** Publishes the request; resolves when it is durable. Throws CONTROL_NO_BUS if the bus does not take it. */
  async submit(wish: ControlWish, topicKey: string): Promise<Submitted> {
    const expiryMs = Math.min(MAX_EXPIRY_MS, wish.expiresInMs ?? DEFAULT_EXPIRY_MS);
    if (this.#bus.health().state === 'down') throw new BusbarError('CONTROL_NO_BUS');
    // Times run from the wish, not from when the bus is there at last: an old wish must not look new.
    const requestedAt = this.#clock.wallMs();
    const [decideBy, expiresAt] = [this.#deadline(DECIDE_MS), this.#deadline(expiryMs)];
    this.#noteSelections(wish, topicKey);
    await this.#ready;
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
      ...(wish.sourceAt === undefined ? {} : { sourceAt: wish.sourceAt }),
      decideBy,
      expiresAt,
    };
    const answers = this.#await(request.id);
    try {
      await this.#bus.publish([
        { topic: 'control.requested.v1', key: topicKey, value: encodeJson('control.requested.v1', request) },
      ]);
    } catch (cause) {
      this.#open.delete(request.id);
      throw new BusbarError('CONTROL_NO_BUS', {}, { cause });
    }
    return { request, ...answers };
  }

  /**
   * The link of an origin is gone, or may not send any more: what it had selected is free again. Publishes in the order
   * of the calls, so that a select still on its way is ended too; without the bus the selections lapse by themselves.
   */
  linkLost(link: string): void {
    const selections = this.#links.get(link);
    if (!selections) return;
    this.#links.delete(link);
    const items = [...selections.points].map((point) => ({ point, value: null }));
    const wish: ControlWish = { origin: selections.origin, items, act: 'cancel', expiresInMs: CANCEL_MS };
    this.submit(wish, selections.topicKey).catch(() => undefined);
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

  #noteSelections({ act = 'operate', origin, items, dryRun }: ControlWish, topicKey: string): void {
    if (dryRun || act === 'renew' || act === 'release') return;
    const known = this.#links.get(origin.link);
    if (act === 'select') {
      const selections = known ?? { origin, topicKey, points: new Set<string>() };
      for (const { point } of items) selections.points.add(point);
      this.#links.set(origin.link, selections);
      return;
    }
    for (const { point } of items) known?.points.delete(point);
    if (known?.points.size === 0) this.#links.delete(origin.link);
  }

  #await(id: string): Pick<Submitted, 'decided' | 'ended'> {
    const nowMs = this.#clock.monotonicMs();
    for (const [old, { untilMs }] of this.#open) if (untilMs < nowMs) this.#open.delete(old);
    const { promise: decided, resolve: decide } = withResolver<ControlDecision>();
    const { promise: ended, resolve: end } = withResolver<ControlOutcome>();
    this.#open.set(id, { untilMs: nowMs + FORGET_MS, decide, end });
    return { decided, ended };
  }

  #settle(id: string, outcome: ControlOutcome): void {
    const waiting = this.#open.get(id);
    if (!waiting) return;
    this.#open.delete(id);
    // After a decision that was heard this one says nothing: the first counts.
    waiting.decide(decisionOf(outcome.end));
    waiting.end(outcome);
  }
}

function withResolver<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** The topics of grants and of ends are apart: an end may be heard first, and tells how it was decided. */
function decisionOf(end: End): ControlDecision {
  if (end.kind === 'refused') return end;
  if (end.kind === 'expired' && (end.reason === 'DECISION' || end.reason === 'DEADLINE')) return end;
  return { kind: 'granted' };
}

/** For the modules that let people or programs ask; the others need no readers of control's ends. */
export const CONTROL_ENTRY: FactoryProvider<ControlEntry> = {
  provide: ControlEntry,
  inject: [BUS, CLOCK, IDENTITY],
  useFactory: (bus: Bus, clock: Clock, identity: ProcessIdentity) => new ControlEntry(bus, clock, identity),
};
