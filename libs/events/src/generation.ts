import { digestOf, sha256 } from './canonical-json.js';
import type {
  Configuration,
  ConnectionConfig,
  GenerationConfig,
  PublishedEntity,
  TableConfig,
} from './configuration.js';

/** Topics on which a generation travels. */
export const GENERATION_TOPICS = [
  'tables.configured.v1',
  'connections.configured.v1',
  'configuration.published.v1',
] as const;
export type GenerationTopic = (typeof GENERATION_TOPICS)[number];

interface EntityIdentity {
  readonly topic: GenerationTopic;
  /** Key of the record. */
  readonly key: string;
  readonly kind: string;
  /** Unique in topic and kind. A table's is its digest, for variants of one point table share their id. */
  readonly id: string;
  readonly digest: string;
}

/** One record of a publication. */
export type GenerationEntity = EntityIdentity &
  (
    | { readonly topic: 'tables.configured.v1'; readonly value: TableConfig }
    | { readonly topic: 'connections.configured.v1'; readonly value: ConnectionConfig }
    | { readonly topic: 'configuration.published.v1'; readonly value: PublishedEntity }
  );

/**
 * What each topic and kind is counted under, also when nothing is of that kind. Kinds that came later are counted where
 * there are some: a record of an older writer still agrees.
 */
const COUNT_KEYS = [
  'tables.configured/table',
  'connections.configured/access',
  'connections.configured/sink',
  'configuration.published/site',
  'configuration.published/model',
  'configuration.published/template',
  'configuration.published/asset',
  'configuration.published/policy',
] as const;

export function tableEntity(value: TableConfig): GenerationEntity {
  const identity = { key: value.digest, kind: 'table', id: value.digest, digest: digestOf(value) };
  return { topic: 'tables.configured.v1', ...identity, value };
}

export function connectionEntity(value: ConnectionConfig): GenerationEntity {
  const identity = { key: value.id, kind: value.kind, id: value.id, digest: digestOf(value) };
  return { topic: 'connections.configured.v1', ...identity, value };
}

/** Not for the record `@generation`, which stands outside the counts. */
export function publishedEntity(value: Exclude<PublishedEntity, GenerationConfig>): GenerationEntity {
  const identity = { key: `${value.kind}/${value.id}`, kind: value.kind, id: value.id, digest: digestOf(value) };
  return { topic: 'configuration.published.v1', ...identity, value };
}

/** Every record of a generation but `@generation`, in the order in which it is published. */
export function generationEntities(configuration: Configuration): readonly GenerationEntity[] {
  const { site, tables, connections, models, templates, assets, policies, plans = [] } = configuration;
  return [
    ...tables.map(tableEntity),
    ...connections.map(connectionEntity),
    ...[site, ...models, ...templates, ...assets, ...policies, ...plans].map(publishedEntity),
  ];
}

/** What `@generation` says and a reader compares: writer and reader call the same function. */
export function generationCounts(
  entities: Iterable<Pick<GenerationEntity, 'topic' | 'kind' | 'id' | 'digest'>>,
): GenerationConfig['counts'] {
  const lines = new Map<string, { id: string; digest: string }[]>(COUNT_KEYS.map((key) => [key, []]));
  for (const { topic, kind, id, digest } of entities) {
    const key = `${topic.replace(/\.v\d+$/, '')}/${kind}`;
    const list = lines.get(key);
    if (list) list.push({ id, digest });
    else lines.set(key, [{ id, digest }]);
  }
  return Object.fromEntries(
    [...lines].map(([key, list]) => {
      list.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
      const text = list.map(({ id, digest }) => `${id} ${digest}\n`).join('');
      return [key, { count: list.length, sha256: sha256(text) }];
    }),
  );
}

/** Digest of the whole: sorted kind, id and digest of every entity, and the text of busbar.lock. */
export function generationDigest(
  entities: Iterable<Pick<GenerationEntity, 'kind' | 'id' | 'digest'>>,
  lock: string,
): string {
  const lines = [...entities].map(({ kind, id, digest }) => `${kind} ${id} ${digest}\n`).sort();
  return sha256(`${lines.join('')}\n${lock}`);
}
