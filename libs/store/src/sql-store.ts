import { BusbarError } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import type { LockLine } from '@busbar/package';
import type { DataSource, EntityManager } from 'typeorm';
import type { Database } from './database.js';
import { GenerationRow, PublishedOnBusRow } from './entities.js';
import {
  type Draft,
  draftOf,
  generationOf,
  hasFiles,
  insertGeneration,
  newestRow,
  readGeneration,
  readLock,
  readUnchangedSince,
  upsertLock,
} from './generation-rows.js';
import type { Generation, Publication, Published, Store, WholeGeneration } from './store.js';

/** The store on either database. */
export class SqlStore implements Store {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  get kind(): Store['kind'] {
    return this.#database.kind;
  }

  get target(): string {
    return this.#database.target;
  }

  get restoration(): Store['restoration'] {
    return this.#database.restoration;
  }

  newest(): Promise<WholeGeneration | null> {
    return this.#read(async (manager) => {
      const row = await newestRow(manager);
      return row ? readGeneration(manager, row) : null;
    });
  }

  generation(number: number): Promise<WholeGeneration> {
    return this.#read(async (manager) => {
      const row = await manager.findOneBy(GenerationRow, { number });
      if (!row) throw new BusbarError('NOT_FOUND', { kind: 'generation', id: number });
      return readGeneration(manager, row);
    });
  }

  list(): Promise<readonly Generation[]> {
    return this.#read(async (manager) => {
      const rows = await manager.find(GenerationRow, { order: { number: 'DESC' } });
      return rows.map(generationOf);
    });
  }

  unchangedSince(kind: string): Promise<ReadonlyMap<string, number>> {
    return this.#read((manager) => readUnchangedSince(manager, kind));
  }

  lock(): Promise<readonly LockLine[]> {
    return this.#read(readLock);
  }

  publish(publication: Publication): Promise<Published> {
    const draft = draftOf(publication);
    return this.#database.use(async (source) => {
      const published = await source.transaction((manager) => this.#publishIn(manager, publication, draft));
      if (published.isNew) await this.#database.changed(source);
      return published;
    });
  }

  async #publishIn(manager: EntityManager, publication: Publication, draft: Draft): Promise<Published> {
    // Publishers wait for each other here; readers go on.
    await manager.query('LOCK TABLE generations IN SHARE ROW EXCLUSIVE MODE');
    const newest = await newestRow(manager);
    const { basedOn, above = 0 } = publication;
    if ((newest?.number ?? null) !== basedOn) {
      throw new BusbarError('GENERATION_STALE', { number: newest?.number ?? 0 });
    }
    const isSame = newest?.digest === draft.digest && newest.number > above;
    if (newest && isSame && (await hasFiles(manager, newest.number, draft.files))) {
      return { generation: await readGeneration(manager, newest), isNew: false };
    }
    const head = {
      number: Math.max(newest?.number ?? 0, above) + 1,
      digest: draft.digest,
      publishedAt: Math.round(this.#clock.wallMs()),
      by: publication.by,
      note: publication.note ?? '',
    };
    await insertGeneration(manager, head, draft);
    await upsertLock(manager, publication.lock);
    return { generation: { ...head, ...draft, configuration: publication.configuration }, isNew: true };
  }

  publishedOnBus(): Promise<number | null> {
    return this.#read(async (manager) => {
      const row = await manager.findOneBy(PublishedOnBusRow, { id: 1 });
      return row?.generation ?? null;
    });
  }

  async markPublishedOnBus(number: number): Promise<void> {
    const row = { id: 1, generation: number, publishedAt: Math.round(this.#clock.wallMs()) };
    await this.#database.use((source) => source.manager.upsert(PublishedOnBusRow, row, ['id']));
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  /** One snapshot for all reads of a call: a publication in between is seen whole or not at all. */
  #read<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.#database.use((source: DataSource) => source.transaction('REPEATABLE READ', work));
  }
}
