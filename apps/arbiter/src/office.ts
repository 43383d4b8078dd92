import type { ControlDirectory } from '@busbar/arbitration';
import {
  type ControlEvent,
  type ControlHistory,
  type ControlState,
  decide,
  type Effect,
  emptyState,
  type Now,
  replay,
} from '@busbar/arbitration';
import type { Bus, Following, InRecord, OutRecord, TableView } from '@busbar/bus';
import { decodeJson, encodeJson, type JsonPayload, OFFICE_KEY, type TopicName } from '@busbar/events';
import type { Clock } from '@busbar/model';
import { DurableOutbox, type Logger, type ProcessIdentity } from '@busbar/service-kit';

const HISTORY_MS = 86_400_000;
const MAX_TIMER_MS = 60_000;

export interface OfficeParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly identity: ProcessIdentity;
  /** Health records: who executes for which connection. */
  readonly changed: TableView;
  readonly held: TableView;
  directory(): ControlDirectory;
  /** For counters. */
  decided(event: ControlEvent, effects: readonly Effect[]): void;
}

/**
 * One term of the one arbiter: reads what happened, announces itself, decides until it is ended. What it decides it
 * publishes, in order; what it cannot know it rebuilds from the control topics.
 */
export class Office {
  readonly #parts: OfficeParts;
  readonly #outbox: DurableOutbox;
  readonly #followings: Following[] = [];
  readonly #unsubscribe: (() => void)[] = [];
  #buffer: ControlEvent[] | null = [];
  #state: ControlState = emptyState();
  #timer: NodeJS.Timeout | null = null;
  #term = -1;
  #ended = false;

  constructor(parts: OfficeParts) {
    this.#parts = parts;
    this.#outbox = new DurableOutbox(parts.bus, parts.log);
  }

  /** Resolves when it decides. */
  async take(): Promise<void> {
    const { bus, clock, log, identity, changed, held } = this.#parts;
    this.#follow('control.requested.v1', (request) => ({ kind: 'requested', request }));
    this.#follow('control.started.v1', (started) => ({ kind: 'started', started }));
    this.#follow('control.executed.v1', (executed) => ({ kind: 'executed', executed }));
    this.#unsubscribe.push(changed.onChange((record) => this.#executorChanged(record)));
    await Promise.all([...this.#followings.map((following) => following.ready), changed.ready, held.ready]);
    const office = { kind: 'office' as const, arbiter: identity.instance, at: clock.wallMs() };
    const [position] = await bus.publish([
      { topic: 'control.held.v1', key: OFFICE_KEY, value: encodeJson('control.held.v1', office) },
    ]);
    this.#term = position?.offset ?? 0;
    const history = await this.#history();
    if (this.#ended) return;
    this.#state = replay(history, this.#context());
    this.#apply({ kind: 'office', term: this.#term });
    const seen = new Set(history.requested.map((request) => request.id));
    const buffered = this.#buffer ?? [];
    this.#buffer = null;
    for (const event of buffered) {
      if (event.kind !== 'requested' || !seen.has(event.request.id)) this.#apply(event);
    }
    log.info({ term: this.#term, open: this.#state.open.size }, 'arbiter took office');
  }

  configured(): void {
    this.#event({ kind: 'configured' });
  }

  async end(): Promise<void> {
    this.#ended = true;
    if (this.#timer) clearTimeout(this.#timer);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await Promise.all(this.#followings.map((following) => following.stop()));
    const patience = setTimeout(() => this.#outbox.stop(), 3000);
    await this.#outbox.settled();
    clearTimeout(patience);
    this.#outbox.stop();
  }

  #follow<Topic extends TopicName>(topic: Topic, toEvent: (payload: JsonPayload<Topic>) => ControlEvent): void {
    const following = this.#parts.bus.follow(topic, (record) => {
      const payload = this.#read(topic, record);
      if (payload) this.#event(toEvent(payload));
    });
    this.#followings.push(following);
  }

  #read<Topic extends TopicName>(topic: Topic, record: InRecord): JsonPayload<Topic> | undefined {
    if (!record.value) return undefined;
    try {
      return decodeJson(topic, record.value);
    } catch (error) {
      this.#parts.log.error({ err: error, topic, key: record.key }, 'control record refused');
      return undefined;
    }
  }

  #executorChanged(record: InRecord): void {
    const health = this.#read('connections.changed.v1', record);
    const epoch = health?.kind === 'access' ? health.epoch : null;
    if (health?.kind === 'sink') return;
    if ((this.#state.executors.get(record.key) ?? null) === epoch && this.#buffer === null) return;
    this.#event({ kind: 'executor', connection: record.key, epoch });
  }

  #event(event: ControlEvent): void {
    if (this.#ended) return;
    if (this.#buffer) this.#buffer.push(event);
    else this.#apply(event);
  }

  #now(): Now {
    const { clock, identity } = this.#parts;
    return { bootId: identity.bootId, monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  }

  #context() {
    return { directory: this.#parts.directory(), now: this.#now() };
  }

  #apply(event: ControlEvent): void {
    const { effects, state, wakeAtMs } = decide(this.#state, event, this.#context());
    this.#state = state;
    this.#outbox.put(effects.flatMap((effect) => recordOf(effect)));
    this.#parts.decided(event, effects);
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (wakeAtMs === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.max(1, Math.min(MAX_TIMER_MS, wakeAtMs - this.#parts.clock.monotonicMs()));
    this.#timer = setTimeout(() => this.#event({ kind: 'tick' }), waitMs);
  }

  async #history(): Promise<ControlHistory> {
    const { changed, held } = this.#parts;
    const executors = new Map<string, string>();
    for (const [connection, record] of changed.entries()) {
      const health = this.#read('connections.changed.v1', record);
      if (health?.kind === 'access' && health.epoch !== null) executors.set(connection, health.epoch);
    }
    const holds = [...held.entries()].flatMap(([point, record]) => {
      const payload = point === OFFICE_KEY ? undefined : this.#read('control.held.v1', record);
      return payload ? [{ point, held: payload }] : [];
    });
    const [requested, granted, started, refused, executed] = await Promise.all([
      this.#all('control.requested.v1'),
      this.#all('control.granted.v1'),
      this.#all('control.started.v1'),
      this.#all('control.refused.v1'),
      this.#all('control.executed.v1'),
    ]);
    return { requested, granted, started, refused, executed, held: holds, executors };
  }

  async #all<Topic extends TopicName>(topic: Topic): Promise<JsonPayload<Topic>[]> {
    const now = this.#parts.clock.wallMs();
    const range = { fromMs: now - HISTORY_MS, toMs: now + HISTORY_MS, limit: 1_000_000 };
    const records = await this.#parts.bus.range(topic, null, range);
    return records.flatMap((record) => this.#read(topic, record) ?? []);
  }
}

function recordOf(effect: Effect): OutRecord[] {
  switch (effect.kind) {
    case 'grant': {
      const { grant } = effect;
      const value = encodeJson('control.granted.v1', grant);
      return [{ topic: 'control.granted.v1', key: grant.executor.connection, value, object: grant }];
    }
    case 'refused': {
      const value = encodeJson('control.refused.v1', effect.refused);
      return [{ topic: 'control.refused.v1', key: effect.refused.request.id, value, object: effect.refused }];
    }
    case 'ended': {
      const value = encodeJson('control.executed.v1', effect.ended);
      return [{ topic: 'control.executed.v1', key: effect.ended.id, value, object: effect.ended }];
    }
    case 'hold': {
      const held = { kind: 'holds' as const, term: effect.term, holds: [...effect.holds] };
      const value = held.holds.length === 0 ? null : encodeJson('control.held.v1', held);
      return [{ topic: 'control.held.v1', key: effect.point, value }];
    }
    case 'noted':
      return [];
  }
}
