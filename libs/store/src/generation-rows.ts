import { createHash } from 'node:crypto';
import { BusbarError } from '@busbar/errors';
import {
  type Configuration,
  digestOf,
  type GenerationEntity,
  generationDigest,
  generationEntities,
  type PlanPart,
} from '@busbar/events';
import { formatLock, type LockLine } from '@busbar/package';
import { type EntityManager, In, type ObjectLiteral, type ObjectType } from 'typeorm';
import {
  EntityValueRow,
  FileContentRow,
  GenerationEntityRow,
  GenerationFileRow,
  GenerationRow,
  LockLineRow,
} from './entities.js';
import type { Generation, Publication, StoredFile, WholeGeneration } from './store.js';

/** PostgreSQL takes 65,535 parameters a statement. */
const ROWS = 1_000;

function chunks<T>(rows: readonly T[]): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < rows.length; at += ROWS) result.push(rows.slice(at, at + ROWS));
  return result;
}

async function insertMissing<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: ObjectType<Row>,
  rows: readonly Row[],
): Promise<void> {
  for (const part of chunks(rows)) {
    await manager.createQueryBuilder().insert().into(entity).values(part).orIgnore().execute();
  }
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

function byDigest<Row extends { readonly digest: string }>(rows: readonly Row[]): Row[] {
  return [...new Map(rows.map((row) => [row.digest, row])).values()];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sortedLock(lines: readonly LockLine[]): LockLine[] {
  return [...lines].sort(
    (a, b) => compare(a.kind, b.kind) || compare(a.scope, b.scope) || a.number - b.number || compare(a.id, b.id),
  );
}

/** A generation before it has its number. */
export interface Draft {
  readonly digest: string;
  readonly entities: readonly GenerationEntity[];
  readonly files: readonly StoredFile[];
}

export function draftOf(publication: Pick<Publication, 'configuration' | 'files' | 'lock'>): Draft {
  const entities = generationEntities(publication.configuration);
  const files = [...publication.files].sort((a, b) => compare(a.path, b.path));
  return { digest: generationDigest(entities, formatLock(publication.lock)), entities, files };
}

export async function newestRow(manager: EntityManager): Promise<GenerationRow | null> {
  const [row] = await manager.find(GenerationRow, { order: { number: 'DESC' }, take: 1 });
  return row ?? null;
}

/** True if the files of a generation are these, octet by octet. */
export async function hasFiles(manager: EntityManager, number: number, files: readonly StoredFile[]): Promise<boolean> {
  const rows = await manager.findBy(GenerationFileRow, { generation: number });
  const stored = new Map(rows.map((row) => [row.path, row.digest]));
  return stored.size === files.length && files.every((file) => stored.get(file.path) === sha256(file.content));
}

export async function insertGeneration(manager: EntityManager, head: Generation, draft: Draft): Promise<void> {
  const generation = head.number;
  await manager.insert(GenerationRow, { ...head });
  const values = draft.entities.map(({ digest, value }): EntityValueRow => ({ digest, value }));
  await insertMissing(manager, EntityValueRow, byDigest(values));
  const entities = draft.entities.map(
    ({ topic, kind, id, key, digest }): GenerationEntityRow => ({ generation, topic, kind, id, key, digest }),
  );
  for (const part of chunks(entities)) await manager.insert(GenerationEntityRow, part);
  const files = draft.files.map(({ path, content }) => ({
    path,
    content: Buffer.from(content),
    digest: sha256(content),
  }));
  await insertMissing(
    manager,
    FileContentRow,
    byDigest(files.map(({ digest, content }): FileContentRow => ({ digest, content }))),
  );
  for (const part of chunks(files.map(({ path, digest }): GenerationFileRow => ({ generation, path, digest })))) {
    await manager.insert(GenerationFileRow, part);
  }
}

/**
 * Lines are added or change state and name; none is ever taken out, so no number is given twice. Addresses are those of
 * the lock alone: it holds the dead ones too, and those that were released by name are gone.
 */
export async function upsertLock(manager: EntityManager, lines: readonly LockLine[]): Promise<void> {
  await manager.delete(LockLineRow, { kind: In(['address', 'index']) });
  for (const part of chunks(lines)) {
    await manager.upsert(LockLineRow, part, ['kind', 'scope', 'number']);
  }
}

export async function readLock(manager: EntityManager): Promise<LockLine[]> {
  const rows = await manager.find(LockLineRow);
  return sortedLock(rows.map((row) => ({ ...row }) as LockLine));
}

/** All of a generation, every content compared with its digest: STORE_DAMAGED rather than a wrong value. */
export async function readGeneration(manager: EntityManager, row: GenerationRow): Promise<WholeGeneration> {
  const rows = await manager
    .createQueryBuilder(GenerationEntityRow, 'entity')
    .innerJoin(EntityValueRow, 'content', 'content.digest = entity.digest')
    .where('entity.generation = :number', { number: row.number })
    .select('entity.topic', 'topic')
    .addSelect(['entity.kind AS kind', 'entity.id AS id', 'entity.key AS key', 'entity.digest AS digest'])
    .addSelect('content.value', 'value')
    .getRawMany<GenerationEntity>();
  const rank = (entity: GenerationEntity) => TOPIC_ORDER.indexOf(entity.topic);
  rows.sort((a, b) => rank(a) - rank(b) || compare(a.kind, b.kind) || compare(a.id, b.id));
  for (const { kind, id, digest, value } of rows) {
    if (digestOf(value) !== digest) throw new BusbarError('STORE_DAMAGED', { thing: `${kind} ${id}` });
  }
  const files = await manager
    .createQueryBuilder(GenerationFileRow, 'file')
    .innerJoin(FileContentRow, 'content', 'content.digest = file.digest')
    .where('file.generation = :number', { number: row.number })
    .orderBy('file.path')
    .select('file.path', 'path')
    .addSelect('file.digest', 'digest')
    .addSelect('content.content', 'content')
    .getRawMany<StoredFile & { readonly digest: string }>();
  for (const { path, digest, content } of files) {
    if (sha256(content) !== digest) throw new BusbarError('STORE_DAMAGED', { thing: `file ${path}` });
  }
  return {
    ...generationOf(row),
    configuration: configurationOf(rows),
    entities: rows,
    files: files.map(({ path, content }) => ({ path, content: new Uint8Array(content) })),
  };
}

const TOPIC_ORDER: readonly string[] = [
  'tables.configured.v1',
  'connections.configured.v1',
  'configuration.published.v1',
];

export function generationOf({ number, digest, publishedAt, by, note }: GenerationRow): Generation {
  return { number, digest, publishedAt, by, note };
}

function configurationOf(entities: readonly GenerationEntity[]): Configuration {
  const of = <T>(...kinds: string[]) =>
    entities.filter((entity) => kinds.includes(entity.kind)).map((entity) => entity.value as T);
  const site = of<Configuration['site']>('site')[0];
  if (!site) throw new BusbarError('STORE_DAMAGED', { thing: 'the site' });
  const plans = of<PlanPart>('plan');
  return {
    site,
    tables: of('table'),
    connections: of('access', 'sink', 'forwarding', 'file'),
    models: of('model'),
    templates: of('template'),
    assets: of('asset'),
    policies: of('policy'),
    ...(plans.length > 0 ? { plans } : {}),
  };
}

const LOOKED_BACK = 20;

export async function readUnchangedSince(manager: EntityManager, kind: string): Promise<ReadonlyMap<string, number>> {
  const generations = await manager.find(GenerationRow, { order: { number: 'DESC' }, take: LOOKED_BACK });
  const since = new Map<string, { readonly digest: string; number: number }>();
  let later: ReadonlySet<string> | null = null;
  for (const { number: generation } of generations) {
    const rows = await manager.findBy(GenerationEntityRow, { generation, kind });
    const unchanged = new Set<string>();
    for (const { id, digest } of rows) {
      const known = since.get(id);
      if (!later) since.set(id, { digest, number: generation });
      else if (known?.digest === digest && later.has(id)) known.number = generation;
      else continue;
      unchanged.add(id);
    }
    later = unchanged;
  }
  return new Map([...since].map(([id, { number }]) => [id, number]));
}
