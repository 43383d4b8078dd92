import { isBusbarError } from '@busbar/errors';
import { generationCounts, generationEntities } from '@busbar/events';
import type { LockLine } from '@busbar/package';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SAMPLE_LOCK, sampleConfiguration, samplePublication } from './sample-configuration.js';
import type { Store } from './store.js';

export interface StoreHarness {
  /** Opens the same database each time it is called; the first is empty. */
  open(): Promise<Store>;
  /** Runs SQL past the store. */
  query(store: Store, sql: string): Promise<readonly Record<string, unknown>[]>;
  dispose(): Promise<void>;
}

/** What every store must do, whatever database is below it. */
export function describeStore(name: string, create: () => Promise<StoreHarness>): void {
  describe(`store on ${name}`, () => {
    let harness: StoreHarness;
    let store: Store;

    beforeEach(async () => {
      harness = await create();
      store = await harness.open();
    });

    afterEach(async () => {
      await store.close();
      await harness.dispose();
    });

    it('is empty at first', async () => {
      expect(await store.newest()).toBeNull();
      expect(await store.list()).toEqual([]);
      expect(await store.lock()).toEqual([]);
      expect(await store.publishedOnBus()).toBeNull();
    });

    it('gives back what was published, octet by octet', async () => {
      const publication = samplePublication(null);
      const { generation, isNew } = await store.publish({ ...publication, note: 'first' });
      expect(isNew).toBe(true);
      expect(generation).toMatchObject({ number: 1, by: 'test', note: 'first' });
      const newest = await store.newest();
      expect(newest?.configuration).toEqual(publication.configuration);
      expect(newest?.files).toEqual(publication.files);
      expect(newest?.publishedAt).toBe(generation.publishedAt);
      expect(newest?.digest).toBe(generation.digest);
      expect(await store.generation(1)).toEqual(newest);
    });

    it('gives the records of the bus in the order of publication, with equal counts', async () => {
      const { generation } = await store.publish(samplePublication(null));
      const stored = await store.generation(generation.number);
      expect(generationCounts(stored.entities)).toEqual(generationCounts(generationEntities(sampleConfiguration())));
      expect(stored.entities.map((entity) => entity.topic)).toEqual(generation.entities.map((entity) => entity.topic));
      expect(stored.entities.map((entity) => entity.key)).toContain('asset/inv-01');
    });

    it('keeps every generation and stores equal entities once', async () => {
      await store.publish(samplePublication(null, 100));
      await store.publish(samplePublication(1, 90));
      expect((await store.list()).map((generation) => generation.number)).toEqual([2, 1]);
      expect((await store.generation(1)).configuration.assets[0]?.attributes).toEqual({ limit: 100 });
      expect((await store.generation(2)).configuration.assets[0]?.attributes).toEqual({ limit: 90 });
      const entities = generationEntities(sampleConfiguration()).length;
      const [row] = await harness.query(store, 'SELECT count(*)::int AS n FROM entity_values');
      expect(row?.n).toBe(entities + 1);
    });

    it('refuses a publication that is based on an older generation', async () => {
      await store.publish(samplePublication(null, 100));
      await store.publish(samplePublication(1, 90));
      await expect(store.publish(samplePublication(1, 80))).rejects.toSatisfy((error) =>
        isBusbarError(error, 'GENERATION_STALE'),
      );
      await expect(store.publish(samplePublication(null, 80))).rejects.toSatisfy((error) =>
        isBusbarError(error, 'GENERATION_STALE'),
      );
      expect(await store.list()).toHaveLength(2);
    });

    it('lets exactly one of many publications at once win', async () => {
      await store.publish(samplePublication(null, 100));
      const results = await Promise.allSettled(
        [1, 2, 3, 4, 5].map((limit) => store.publish(samplePublication(1, limit))),
      );
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
      const lost = results.filter((result) => result.status === 'rejected');
      expect(lost.every((result) => isBusbarError(result.reason, 'GENERATION_STALE'))).toBe(true);
      expect(await store.list()).toHaveLength(2);
    });

    it('writes nothing when the publication equals the newest generation', async () => {
      await store.publish(samplePublication(null));
      const { generation, isNew } = await store.publish(samplePublication(1));
      expect(isNew).toBe(false);
      expect(generation.number).toBe(1);
      expect(await store.list()).toHaveLength(1);
    });

    it('makes a generation of its own for changed files of an equal configuration', async () => {
      await store.publish(samplePublication(null));
      const files = [{ path: 'busbar.yaml', content: new TextEncoder().encode('# another comment\n') }];
      const { isNew } = await store.publish({ ...samplePublication(1), files });
      expect(isNew).toBe(true);
      expect((await store.generation(2)).files).toEqual(files);
    });

    it('numbers above what a bus has already', async () => {
      await store.publish(samplePublication(null));
      const { generation, isNew } = await store.publish({ ...samplePublication(1), above: 7 });
      expect([generation.number, isNew]).toEqual([8, true]);
    });

    it('leaves nothing behind of a publication that fails half way', async () => {
      await store.publish(samplePublication(null));
      const broken = { ...SAMPLE_LOCK[0], number: 2 ** 40 } as (typeof SAMPLE_LOCK)[number];
      await expect(store.publish({ ...samplePublication(1, 50), lock: [broken] })).rejects.toThrow();
      expect(await store.list()).toHaveLength(1);
      const [row] = await harness.query(
        store,
        'SELECT count(*)::int AS n FROM generation_entities WHERE generation > 1',
      );
      expect(row?.n).toBe(0);
      expect((await store.publish(samplePublication(1, 50))).generation.number).toBe(2);
    });

    it('never forgets a number of the lock', async () => {
      await store.publish(samplePublication(null));
      const retired = { ...SAMPLE_LOCK[0], state: 'retired' } as (typeof SAMPLE_LOCK)[number];
      await store.publish({ ...samplePublication(1, 90), lock: [retired] });
      expect(await store.lock()).toEqual([SAMPLE_LOCK[1], retired]);
    });

    it('keeps the addresses of the newest lock alone, for it names the dead ones too', async () => {
      const line = { kind: 'address', scope: 'dispatch/YC', type: 'M_ME_NC', state: '' } as const;
      const before = [16_385, 16_386].map((number): LockLine => ({ ...line, number, id: `inv/P${number}` }));
      await store.publish({ ...samplePublication(null), lock: [...SAMPLE_LOCK, ...before] });
      const after: LockLine = { ...line, number: 16_386, id: 'inv/P' };
      await store.publish({ ...samplePublication(1, 90), lock: [...SAMPLE_LOCK, after] });
      expect(await store.lock()).toEqual([after, SAMPLE_LOCK[1], SAMPLE_LOCK[0]]);
    });

    it('tells a wrong value from a stored one', async () => {
      await store.publish(samplePublication(null));
      const wrong = `UPDATE entity_values SET value = jsonb_set(value, '{title}', '"Other"') WHERE value->>'id' = 'inv-01'`;
      await harness.query(store, wrong);
      await expect(store.newest()).rejects.toSatisfy((error) => isBusbarError(error, 'STORE_DAMAGED'));
    });

    it('knows since when an entity is the same', async () => {
      await store.publish(samplePublication(null, 100));
      await store.publish(samplePublication(1, 90));
      await store.publish(samplePublication(2, 100));
      await store.publish({ ...samplePublication(3, 100), files: [] });
      expect(await store.unchangedSince('asset')).toEqual(new Map([['inv-01', 3]]));
      expect(await store.unchangedSince('model')).toEqual(new Map([['inverter', 1]]));
    });

    it('remembers how far the bus has it', async () => {
      await store.publish(samplePublication(null));
      await store.markPublishedOnBus(1);
      await store.markPublishedOnBus(2);
      expect(await store.publishedOnBus()).toBe(2);
    });

    it('has everything after it was closed and opened again', async () => {
      await store.publish(samplePublication(null));
      await store.markPublishedOnBus(1);
      const before = await store.newest();
      await store.close();
      store = await harness.open();
      expect(await store.newest()).toEqual(before);
      expect(await store.publishedOnBus()).toBe(1);
      expect(await store.lock()).toHaveLength(2);
    });

    it('says so when there is no such generation', async () => {
      await expect(store.generation(12)).rejects.toSatisfy((error) => isBusbarError(error, 'NOT_FOUND'));
    });

    it('is closed twice without harm', async () => {
      await store.close();
      await store.close();
    });
  });
}
