import type { Bus, InRecord, OutRecord, TableView } from '@busbar/bus';
import {
  decodeJson,
  digestOf,
  encodeJson,
  GENERATION_KEY,
  GENERATION_TOPICS,
  type GenerationConfig,
  type GenerationTopic,
  generationCounts,
  type PublishedEntity,
} from '@busbar/events';
import type { WholeGeneration } from '@busbar/store';

/** So much is handed to the bus at once. */
const PART_BYTES = 4 * 1024 * 1024;

export type Brought =
  /** The bus has it, `written` records were missing. */
  | { readonly kind: 'there'; readonly written: number }
  /** The bus has this number already, of another configuration or a newer one. */
  | { readonly kind: 'ahead'; readonly number: number };

/** Brings a generation of the database onto the bus: tables, connections, entities, and last `@generation`. */
export class Outbox {
  readonly #bus: Bus;
  #tables: { readonly topic: GenerationTopic; readonly view: TableView }[] | null = null;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** The newest `@generation` record; null when there is none, or before the first call of `bring`. */
  record(): GenerationConfig | null {
    const record = this.#table('configuration.published.v1')?.get(GENERATION_KEY);
    const value = record ? decode('configuration.published.v1', record) : undefined;
    return value ? (value as GenerationConfig) : null;
  }

  /** Publishes what is missing; resolves when all of it is durable. */
  async bring(generation: WholeGeneration): Promise<Brought> {
    await this.#open();
    const current = this.record();
    const isOther = current && (current.number > generation.number || !isSame(current, generation));
    if (current && isOther && current.number >= generation.number) return { kind: 'ahead', number: current.number };
    const missing = generation.entities.filter(({ topic, key, digest }) => {
      const record = this.#table(topic)?.get(key);
      return !record || digestOf(decode(topic, record)) !== digest;
    });
    const records = missing.map(({ topic, key, value }): OutRecord => {
      return { topic, key, value: encodeJson(topic, value as never), object: value };
    });
    const removed = this.#removedIds(generation);
    const head: GenerationConfig = {
      kind: 'generation',
      number: generation.number,
      digest: generation.digest,
      publishedAt: generation.publishedAt,
      by: generation.by,
      counts: generationCounts(generation.entities),
      ...(Object.keys(removed).length > 0 ? { removed } : {}),
    };
    const isWhole = current?.number === generation.number && records.length === 0;
    if (isWhole && namesAll(current, removed)) return { kind: 'there', written: 0 };
    for (const part of parts(records)) await this.#bus.publish(part);
    const value = encodeJson('configuration.published.v1', head);
    await this.#bus.publish([{ topic: 'configuration.published.v1', key: GENERATION_KEY, value, object: head }]);
    return { kind: 'there', written: records.length + 1 };
  }

  /** True while the bus holds records that the generation no longer has. */
  hasRemoved(generation: WholeGeneration): boolean {
    return this.#strangers(generation).length > 0;
  }

  /** Tombstones for what the generation no longer has; to be called when every service has applied it. */
  async bury(generation: WholeGeneration): Promise<number> {
    const records = this.#strangers(generation).map(({ topic, key }): OutRecord => ({ topic, key, value: null }));
    if (records.length > 0) await this.#bus.publish(records);
    return records.length;
  }

  async stop(): Promise<void> {
    await Promise.all((this.#tables ?? []).map(({ view }) => view.stop()));
  }

  async #open(): Promise<void> {
    this.#tables ??= GENERATION_TOPICS.map((topic) => ({ topic, view: this.#bus.table(topic) }));
    await Promise.all(this.#tables.map(({ view }) => view.ready));
  }

  #table(topic: GenerationTopic): TableView | undefined {
    return this.#tables?.find((table) => table.topic === topic)?.view;
  }

  #strangers(generation: WholeGeneration): { topic: GenerationTopic; key: string; record: InRecord }[] {
    const known = new Set(generation.entities.map(({ topic, key }) => `${topic} ${key}`));
    return (this.#tables ?? []).flatMap(({ topic, view }) =>
      [...view.entries()]
        .filter(([key]) => key !== GENERATION_KEY && !known.has(`${topic} ${key}`))
        .map(([key, record]) => ({ topic, key, record })),
    );
  }

  /** Ids by topic and kind, as `@generation` names them. */
  #removedIds(generation: WholeGeneration): Record<string, string[]> {
    const removed: Record<string, string[]> = {};
    const add = (name: string, id: string) => {
      removed[name] ??= [];
      removed[name].push(id);
    };
    for (const { topic, key, record } of this.#strangers(generation)) {
      const short = topic.replace(/\.v\d+$/, '');
      if (topic === 'tables.configured.v1') add(`${short}/table`, key);
      else if (topic === 'configuration.published.v1') {
        const slash = key.indexOf('/');
        add(`${short}/${key.slice(0, slash)}`, key.slice(slash + 1));
      } else {
        const value = decode(topic, record) as { readonly kind: string } | undefined;
        if (value) add(`${short}/${value.kind}`, key);
      }
    }
    // A connection that became of another kind keeps its key: the old record is gone with the new one.
    return removed;
  }
}

function isSame(record: GenerationConfig, generation: WholeGeneration): boolean {
  return record.number === generation.number && record.digest === generation.digest;
}

function namesAll(record: GenerationConfig, removed: Record<string, string[]>): boolean {
  return Object.entries(removed).every(([name, ids]) => ids.every((id) => record.removed?.[name]?.includes(id)));
}

/** Undefined for a record that this version does not understand: it counts as another one. */
function decode(topic: GenerationTopic, record: InRecord): PublishedEntity | object | undefined {
  if (!record.value) return undefined;
  try {
    return decodeJson(topic, record.value);
  } catch {
    return undefined;
  }
}

function* parts(records: readonly OutRecord[]): Generator<OutRecord[]> {
  let part: OutRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    part.push(record);
    bytes += record.value?.length ?? 0;
    if (bytes < PART_BYTES) continue;
    yield part;
    part = [];
    bytes = 0;
  }
  if (part.length > 0) yield part;
}
