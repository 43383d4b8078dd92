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
/** How often a lease that is over is asked for again. */
const LEASE_RETRY_MS = 200;
/** At the end, decisions wait this long for the bus. */
const DECISIONS_MS = 3_000;

export interface OfficeParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly identity: ProcessIdentity;
  /** Health records: who executes for which connection. */
  readonly changed: TableView;
  readonly held: TableView;
  directory(): ControlDirectory;
  /** Decisions are made only while this holds. */
  isLeased(): boolean;
  /** Another arbiter announced itself later than this one. */
  overtaken(): void;
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
  /** Not decided yet: before office, and while the lease does not hold. */
  #waiting: ControlEvent[] = [];
  #isInOffice = false;
  #state: ControlState = emptyState();
  #timer: NodeJS.Timeout | null = null;
  #term = -1;
  #ended = false;

  constructor(parts: OfficeParts) {
    this.#parts = parts;
    this.#outbox = new DurableOutbox(parts.bus, parts.log);
  }

  /** Resolves when it decides, or was ended. Rejects if it cannot: end it then. */
  async take(): Promise<void> {
    const { log, changed, held } = this.#parts;
    this.#follow('control.requested.v1', (request) => ({ kind: 'requested', request }));
    this.#follow('control.started.v1', (started) => ({ kind: 'started', started }));
    this.#follow('control.executed.v1', (executed) => ({ kind: 'executed', executed }));
    this.#unsubscribe.push(changed.onChange((record) => this.#executorChanged(record)));
    this.#unsubscribe.push(held.onChange((record) => this.#officeTaken(record)));
    await Promise.all([...this.#followings.map((following) => following.ready), changed.ready, held.ready]);
    if (this.#ended) return;
    await this.#announce();
    const history = await this.#history();
    if (this.#ended) return;
    this.#state = replay(history, this.#context());
    const seen = new Set(history.requested.map((request) => request.id));
    const since = this.#waiting.filter((event) => event.kind !== 'requested' || !seen.has(event.request.id));
    this.#waiting = [{ kind: 'office', term: this.#term }, ...since];
    this.#isInOffice = true;
    this.#decideWaiting();
    log.info({ term: this.#term, open: this.#state.open.size }, 'arbiter took office');
    this.#officeTaken(held.get(OFFICE_KEY));
  }

  /** It decides. */
  get isInOffice(): boolean {
    return this.#isInOffice && !this.#ended;
  }

  configured(): void {
    this.#event({ kind: 'configured' });
  }

  async end(): Promise<void> {
    this.#ended = true;
    if (this.#timer) clearTimeout(this.#timer);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await Promise.all(this.#followings.map((following) => following.stop()));
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, DECISIONS_MS);
    });
    await Promise.race([this.#outbox.settled(), patience]);
    clearTimeout(timer);
    this.#outbox.stop();
  }

  /** The record whose offset is the term; without the lease somebody else may be in office, with a lower one. */
  async #announce(): Promise<void> {
    const { bus, clock, identity, isLeased } = this.#parts;
    if (!isLeased()) throw new Error('the lease does not hold');
    const office = { kind: 'office' as const, arbiter: identity.instance, at: clock.wallMs() };
    const [position] = await bus.publish([
      { topic: 'control.held.v1', key: OFFICE_KEY, value: encodeJson('control.held.v1', office) },
    ]);
    this.#term = position?.offset ?? 0;
  }

  #officeTaken(record: InRecord | undefined): void {
    if (record?.key !== OFFICE_KEY || !this.#isInOffice || this.#ended || record.offset <= this.#term) return;
    this.#parts.log.warn({ term: this.#term, other: record.offset }, 'another arbiter announced itself');
    this.#parts.overtaken();
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
    if (health !== undefined && health.kind !== 'access') return;
    // Health of a connection changes often, its executor seldom.
    if (this.#isInOffice && this.#waiting.length === 0 && (this.#state.executors.get(record.key) ?? null) === epoch)
      return;
    this.#event({ kind: 'executor', connection: record.key, epoch });
  }

  #event(event: ControlEvent): void {
    if (this.#ended) return;
    this.#waiting.push(event);
    if (this.#isInOffice) this.#decideWaiting();
  }

  /** Without the lease nothing is decided: another arbiter may be in office. What waits too long expires by itself. */
  #decideWaiting(): void {
    while (this.#waiting.length > 0 && !this.#ended) {
      if (!this.#parts.isLeased()) {
        this.#wakeAfter(LEASE_RETRY_MS, () => this.#decideWaiting());
        return;
      }
      this.#apply(this.#waiting.shift() as ControlEvent);
    }
  }

  #now(): Now {
    const { clock, identity } = this.#parts;
    return { bootId: identity.bootId, monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  }

  #context() {
    return { directory: this.#parts.directory(), now: this.#now() };
  }

  #apply(event: ControlEvent): void {
    const { clock, log, decided } = this.#parts;
    try {
      const { effects, state, wakeAtMs } = decide(this.#state, event, this.#context());
      this.#state = state;
      this.#outbox.put(effects.flatMap((effect) => recordOf(effect)));
      decided(event, effects);
      this.#wakeAfter(wakeAtMs - clock.monotonicMs(), () => this.#event({ kind: 'tick' }));
    } catch (error) {
      // The others go on; what this event was about ends by its time limits.
      log.error({ err: error, event: event.kind }, 'decision failed');
    }
  }

  #wakeAfter(ms: number, run: () => void): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (ms === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.max(1, Math.min(MAX_TIMER_MS, ms));
    this.#timer = setTimeout(run, waitMs);
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
