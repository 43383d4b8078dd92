import type { Bus, InRecord, TableView } from '@busbar/bus';
import {
  type Configuration,
  type ConnectionConfig,
  decodeJson,
  digestOf,
  GENERATION_KEY,
  GENERATION_TOPICS,
  type GenerationConfig,
  type GenerationTopic,
  generationCounts,
  type PlanPart,
  type PublishedEntity,
  type TableConfig,
} from '@busbar/events';
import type { Logger } from './log.js';

export interface AppliedGeneration {
  readonly number: number;
  readonly digest: string;
  readonly configuration: Configuration;
}

type Listener = (next: AppliedGeneration, previous: AppliedGeneration | null) => void;

interface Entity {
  readonly topic: GenerationTopic;
  readonly kind: string;
  readonly id: string;
  readonly digest: string;
  readonly value: TableConfig | ConnectionConfig | PublishedEntity;
}

const SETTLE_MS = 20;

/** The newest whole generation on the bus. Keeps N until every record of N+1 is there. */
export class ConfigurationView {
  readonly #log: Logger;
  readonly #tables: { readonly topic: GenerationTopic; readonly view: TableView }[];
  /** Decoded records, kept while their offset stands. */
  readonly #decoded = new Map<string, { readonly record: InRecord; readonly entity: Entity | null }>();
  readonly #listeners = new Set<Listener>();
  #current: AppliedGeneration | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(bus: Bus, log: Logger) {
    this.#log = log;
    this.#tables = GENERATION_TOPICS.map((topic) => {
      const view = bus.table(topic);
      view.onChange(() => this.#schedule());
      view.ready.then(
        () => this.#schedule(),
        () => undefined,
      );
      return { topic, view };
    });
  }

  get current(): AppliedGeneration | null {
    return this.#current;
  }

  /** Called for each generation that becomes whole; at once (in a later turn) if one is there. Returns the way to end it. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    const current = this.#current;
    if (current) {
      queueMicrotask(() => {
        if (this.#listeners.has(listener) && this.#current === current) this.#tell(listener, current, null);
      });
    }
    return () => this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    await Promise.all(this.#tables.map(({ view }) => view.stop()));
  }

  #schedule(): void {
    if (this.#timer || this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#check();
    }, SETTLE_MS);
  }

  #check(): void {
    const entities: Entity[] = [];
    let generation: GenerationConfig | null = null;
    const gone = new Set(this.#decoded.keys());
    for (const { topic, view } of this.#tables) {
      for (const [key, record] of view.entries()) {
        gone.delete(`${topic} ${key}`);
        const entity = this.#decode(topic, key, record);
        if (!entity) continue;
        if (entity.kind === 'generation') generation = entity.value as GenerationConfig;
        else entities.push(entity);
      }
    }
    for (const at of gone) this.#decoded.delete(at);
    if (!generation) return;
    // The digest too: over a database begun anew the numbers start again.
    if (generation.number === this.#current?.number && generation.digest === this.#current.digest) return;
    const whole = wholeOf(generation, entities);
    if (!whole) return;
    const previous = this.#current;
    const next = { number: generation.number, digest: generation.digest, configuration: whole };
    this.#current = next;
    this.#log.info({ generation: next.number, digest: next.digest.slice(0, 12) }, 'configuration applied');
    for (const listener of this.#listeners) this.#tell(listener, next, previous);
  }

  #tell(listener: Listener, next: AppliedGeneration, previous: AppliedGeneration | null): void {
    try {
      listener(next, previous);
    } catch (error) {
      this.#log.error({ err: error }, 'configuration listener failed');
    }
  }

  #decode(topic: GenerationTopic, key: string, record: InRecord): Entity | null {
    const at = `${topic} ${key}`;
    const known = this.#decoded.get(at);
    if (known && known.record.offset === record.offset && known.record.partition === record.partition) {
      return known.entity;
    }
    let entity: Entity | null = null;
    try {
      entity = decodeEntity(topic, key, record.value as Uint8Array);
    } catch (error) {
      this.#log.error({ err: error, topic, key }, 'configuration record refused');
    }
    this.#decoded.set(at, { record, entity });
    return entity;
  }
}

function decodeEntity(topic: GenerationTopic, key: string, bytes: Uint8Array): Entity {
  const value = decodeJson(topic, bytes);
  if (topic === 'tables.configured.v1') {
    return { topic, kind: 'table', id: key, digest: digestOf(value), value: value as TableConfig };
  }
  const kind = (value as ConnectionConfig | PublishedEntity).kind;
  const id = topic === 'connections.configured.v1' ? key : key.slice(key.indexOf('/') + 1);
  const digest = key === GENERATION_KEY ? '' : digestOf(value);
  return { topic, kind, id, digest, value: value as ConnectionConfig | PublishedEntity };
}

/** The configuration if the records are exactly those that the generation counts; null while some are missing. */
function wholeOf(generation: GenerationConfig, all: readonly Entity[]): Configuration | null {
  const removed = new Map(Object.entries(generation.removed ?? {}).map(([key, ids]) => [key, new Set(ids)]));
  const entities = all.filter((entity) => !removed.get(countKey(entity))?.has(entity.id));
  const counts = generationCounts(entities);
  const keys = new Set([...Object.keys(counts), ...Object.keys(generation.counts)]);
  for (const key of keys) {
    if (counts[key]?.sha256 !== generation.counts[key]?.sha256) return null;
  }
  const of = <T>(kind: string) => entities.filter((entity) => entity.kind === kind).map((entity) => entity.value as T);
  const site = of<Configuration['site']>('site')[0];
  if (!site) return null;
  const plans = of<PlanPart>('plan');
  return {
    site,
    tables: of('table'),
    connections: ['access', 'sink', 'forwarding', 'file'].flatMap((kind) => of<ConnectionConfig>(kind)),
    models: of('model'),
    templates: of('template'),
    assets: of('asset'),
    policies: of('policy'),
    ...(plans.length > 0 ? { plans } : {}),
  };
}

function countKey(entity: Entity): string {
  return `${entity.topic.replace(/\.v\d+$/, '')}/${entity.kind}`;
}
