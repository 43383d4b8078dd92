import { setTimeout as delay } from 'node:timers/promises';
import type { RequestView } from '@busbar/api-schema';
import type { Bus, Following, InRecord } from '@busbar/bus';
import { type ControlRequest, decodeJson, type ItemResult, type TopicName } from '@busbar/events';
import type { Clock } from '@busbar/model';

const KEPT_MS = 24 * 3_600_000;
const KEPT_REQUESTS = 10_000;
const LISTED = 200;
/** Records that may wait while the past is read, and the pause before a bus that is away is asked again. */
const EARLY_RECORDS = 50_000;
const RETRY_MS = 1_000;

const TOPICS = [
  'control.requested.v1',
  'control.granted.v1',
  'control.started.v1',
  'control.refused.v1',
  'control.executed.v1',
] as const satisfies readonly TopicName[];

interface Entry {
  readonly request: ControlRequest;
  view: RequestView;
}

type Listener = (view: RequestView) => void;

/** What happened to each control request of the last 24 hours, told by the control topics. Decides nothing. */
export class RequestViews {
  readonly #bus: Bus;
  readonly #clock: Clock;
  /** By ULID, oldest first. */
  readonly #entries = new Map<string, Entry>();
  /** ULID of the first request of a source's own id. */
  readonly #byAsker = new Map<string, string>();
  readonly #listeners = new Set<Listener>();
  readonly #following: Following[] = [];
  /** Records that arrive while the past is still being read. */
  #early: InRecord[] | null = [];
  #ready: Promise<void> = Promise.resolve();
  readonly #stopping = new AbortController();

  constructor(bus: Bus, clock: Clock) {
    this.#bus = bus;
    this.#clock = clock;
  }

  /** Resolves when the past is read and nothing new can be missed; waits for a bus that is away. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  start(): void {
    for (const topic of TOPICS) {
      this.#following.push(
        this.#bus.follow(topic, (record) => {
          if (!this.#early) this.#take(record);
          else if (this.#early.push(record) > EARLY_RECORDS) this.#early.shift();
        }),
      );
    }
    this.#ready = this.#readPast();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#following.map((following) => following.stop()));
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A request that this process just published; the record that comes back is the same. */
  add(request: ControlRequest): RequestView {
    this.#requested(request);
    return this.#entries.get(request.id)?.view ?? viewOf(request);
  }

  /** By the asker's id of that source, or by the ULID. */
  find(source: string, id: string): { readonly request: ControlRequest; readonly view: RequestView } | undefined {
    const ulid = this.#byAsker.get(askerKey(source, id)) ?? id;
    return this.#entries.get(ulid);
  }

  /** The newest 200, newest first. */
  list(): RequestView[] {
    const views: RequestView[] = [];
    const entries = [...this.#entries.values()];
    for (let at = entries.length - 1; at >= 0 && views.length < LISTED; at--) views.push((entries[at] as Entry).view);
    return views;
  }

  /** The view once it has its end; as it is when the time is over or the signal says so. */
  ended(ulid: string, withinMs: number, signal: AbortSignal): Promise<RequestView | undefined> {
    return new Promise((resolve) => {
      const now = this.#entries.get(ulid)?.view;
      if (now?.end || withinMs <= 0 || signal.aborted) {
        resolve(now);
        return;
      }
      const done = () => {
        clearTimeout(timer);
        unsubscribe();
        signal.removeEventListener('abort', done);
        resolve(this.#entries.get(ulid)?.view);
      };
      const timer = setTimeout(done, withinMs);
      const unsubscribe = this.onChange((view) => view.request === ulid && view.end && done());
      signal.addEventListener('abort', done, { once: true });
    });
  }

  async #readPast(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#readOnce();
        return;
      } catch {
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #readOnce(): Promise<void> {
    await Promise.all(this.#following.map((following) => following.ready));
    const toMs = this.#clock.wallMs() + 60_000;
    const options = { fromMs: toMs - KEPT_MS, toMs, limit: KEPT_REQUESTS };
    for (const topic of TOPICS) {
      for (const record of await this.#bus.range(topic, null, options)) this.#take(record);
    }
    const early = this.#early ?? [];
    this.#early = null;
    for (const record of early) this.#take(record);
  }

  #take(record: InRecord): void {
    if (!record.value) return;
    try {
      this.#apply(record.topic as (typeof TOPICS)[number], record.value);
    } catch {
      // Who consumes the topic in a group puts it among the dead letters; a view goes without it.
    }
  }

  #apply(topic: (typeof TOPICS)[number], value: Uint8Array): void {
    switch (topic) {
      case 'control.requested.v1':
        this.#requested(decodeJson(topic, value));
        return;
      case 'control.granted.v1': {
        const { request, executor, grantedAt } = decodeJson(topic, value);
        this.#requested(request);
        this.#change(request.id, (view) => ({
          ...withStage(view, 'granted', grantedAt),
          connection: executor.connection,
        }));
        return;
      }
      case 'control.started.v1': {
        const { grant, startedAt } = decodeJson(topic, value);
        this.#change(grant.request.id, (view) => withStage(view, 'started', startedAt));
        return;
      }
      case 'control.refused.v1': {
        const { request, end, at } = decodeJson(topic, value);
        this.#requested(request);
        this.#change(request.id, (view) => (view.end ? view : { ...withStage(view, 'ended', at), end }));
        return;
      }
      case 'control.executed.v1': {
        const result = decodeJson(topic, value);
        if (result.kind === 'acknowledged') {
          this.#change(result.id, (view) => ({
            ...withStage(view, 'acknowledged', result.at),
            results: merged(view.results, result.items),
          }));
        } else if (!result.late) {
          this.#change(result.id, (view) => {
            if (view.end) return view;
            const results = merged(view.results, result.items);
            return { ...withStage(view, 'ended', result.at), results, end: result.end };
          });
        }
      }
    }
  }

  #requested(request: ControlRequest): void {
    if (this.#entries.has(request.id)) return;
    const view = viewOf(request);
    this.#entries.set(request.id, { request, view });
    const { source, externalId } = request.origin;
    if (externalId !== undefined) {
      const key = askerKey(source, externalId);
      if (!this.#byAsker.has(key)) this.#byAsker.set(key, request.id);
    }
    this.#forget();
    this.#tell(view);
  }

  #change(ulid: string, change: (view: RequestView) => RequestView): void {
    const entry = this.#entries.get(ulid);
    if (!entry) return;
    const view = change(entry.view);
    if (view === entry.view) return;
    entry.view = view;
    this.#tell(view);
  }

  #tell(view: RequestView): void {
    for (const listener of [...this.#listeners]) listener(view);
  }

  #forget(): void {
    const before = this.#clock.wallMs() - KEPT_MS;
    for (const [ulid, { request }] of this.#entries) {
      if (this.#entries.size <= KEPT_REQUESTS && request.requestedAt >= before) return;
      this.#entries.delete(ulid);
      const { source, externalId } = request.origin;
      const key = externalId === undefined ? '' : askerKey(source, externalId);
      if (this.#byAsker.get(key) === ulid) this.#byAsker.delete(key);
    }
  }
}

function askerKey(source: string, id: string): string {
  return `${source}\n${id}`;
}

function viewOf(request: ControlRequest): RequestView {
  return {
    id: request.origin.externalId ?? request.id,
    request: request.id,
    source: request.origin.source,
    who: request.origin.who,
    items: request.items,
    expiresAt: request.expiresAt.wallMs,
    stages: [{ stage: 'requested', at: request.requestedAt }],
    connection: null,
    results: [],
    end: null,
  };
}

const ORDER: readonly RequestView['stages'][number]['stage'][] = [
  'requested',
  'granted',
  'started',
  'acknowledged',
  'ended',
];

/** Topics arrive in any order among themselves; the stages have one. */
function withStage(view: RequestView, stage: (typeof ORDER)[number], at: number): RequestView {
  if (view.stages.some((known) => known.stage === stage)) return view;
  const stages = [...view.stages, { stage, at }];
  stages.sort((a, b) => ORDER.indexOf(a.stage) - ORDER.indexOf(b.stage));
  return { ...view, stages };
}

function merged(known: readonly ItemResult[], items: readonly ItemResult[]): ItemResult[] {
  const byPoint = new Map(known.map((item) => [item.point, item]));
  for (const item of items) byPoint.set(item.point, item);
  return [...byPoint.values()];
}
