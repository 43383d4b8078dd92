import { GENERATION_KEY, generationEntities } from '@busbar/events';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AppliedGeneration, ConfigurationView } from './configuration-view.js';
import { createLogger } from './log.js';
import { FakeBus } from './testing/fake-bus.js';
import { accessConnection, configurationOf, putAll, putEntity, putGeneration } from './testing/fake-generation.js';

const log = createLogger('test', 'silent');
const first = configurationOf([accessConnection('line'), accessConnection('meter')]);
const second = configurationOf([accessConnection('line', 'New title'), accessConnection('meter')], 'Renamed');

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(100);
}

function ids(view: ConfigurationView): string[] | undefined {
  return view.current?.configuration.connections.map((connection) => connection.id).sort();
}

async function viewOf(bus: FakeBus): Promise<ConfigurationView> {
  const view = new ConfigurationView(bus, log);
  await settled();
  return view;
}

describe('the configuration', () => {
  it('is none before a generation is there', async () => {
    const view = await viewOf(new FakeBus());
    expect(view.current).toBeNull();
  });

  it('is what the bus held before the start', async () => {
    const bus = new FakeBus();
    putAll(bus, 1, first);
    const view = await viewOf(bus);
    expect(view.current).toMatchObject({ number: 1, configuration: first });
  });

  it('stays the old one until every record of the next is there', async () => {
    const bus = new FakeBus();
    putAll(bus, 1, first);
    const view = await viewOf(bus);
    const heard: [number, number | undefined][] = [];
    view.onChange((next, previous) => heard.push([next.number, previous?.number]));
    await settled();
    const [table, line, ...rest] = generationEntities(second);
    for (const entity of rest) putEntity(bus, entity);
    putGeneration(bus, 2, { configuration: second });
    await settled();
    expect(view.current).toMatchObject({ number: 1, configuration: first });
    if (table) putEntity(bus, table);
    if (line) putEntity(bus, line);
    await settled();
    expect(view.current).toMatchObject({ number: 2, configuration: { site: { title: 'Renamed' } } });
    expect(heard).toEqual([
      [1, undefined],
      [2, 1],
    ]);
  });

  it('becomes whole in whatever order the records come', async () => {
    const steps = [...generationEntities(second).map((entity) => () => entity), null];
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(steps, { minLength: steps.length }), async (order) => {
        const bus = new FakeBus();
        putAll(bus, 1, first);
        const view = await viewOf(bus);
        for (const step of order) {
          expect(view.current?.number).toBe(1);
          if (step) putEntity(bus, step());
          else putGeneration(bus, 2, { configuration: second });
        }
        await settled();
        expect(view.current?.number).toBe(2);
        expect(view.current?.configuration.site).toEqual(second.site);
        expect(view.current?.configuration.connections).toEqual(expect.arrayContaining([...second.connections]));
        await view.stop();
      }),
      { numRuns: 20 },
    );
  });

  it('leaves out what the generation has no more though the bus still holds it', async () => {
    const bus = new FakeBus();
    putAll(bus, 1, first);
    const view = await viewOf(bus);
    const smaller = configurationOf([accessConnection('line')]);
    putGeneration(bus, 2, { configuration: smaller });
    await settled();
    expect(view.current?.number).toBe(1);
    putGeneration(bus, 2, { configuration: smaller, removed: { 'connections.configured/access': ['meter'] } });
    await settled();
    expect(view.current?.number).toBe(2);
    expect(ids(view)).toEqual(['line']);
    bus.put('connections.configured.v1', 'meter', null);
    await settled();
    expect(ids(view)).toEqual(['line']);
    expect(ids(await viewOf(bus))).toEqual(['line']);
  });

  it('takes an id that was removed and is there again', async () => {
    const bus = new FakeBus();
    putAll(bus, 1, first);
    putGeneration(bus, 2, {
      configuration: configurationOf([accessConnection('line')]),
      removed: { 'connections.configured/access': ['meter'] },
    });
    const view = await viewOf(bus);
    putAll(bus, 3, first);
    await settled();
    expect(view.current?.number).toBe(3);
    expect(ids(view)).toEqual(['line', 'meter']);
  });

  it.each([
    ['no JSON', new Uint8Array([1, 2, 3])],
    ['another shape', new TextEncoder().encode('{"kind":"access","id":"line"}')],
  ])('is kept when a record of the next is damaged: %s', async (_what, octets) => {
    const bus = new FakeBus();
    putAll(bus, 1, first);
    const view = await viewOf(bus);
    putAll(bus, 2, second);
    bus.put('connections.configured.v1', 'line', octets);
    await settled();
    expect(view.current).toMatchObject({ number: 1, configuration: first });
    putAll(bus, 2, second);
    await settled();
    expect(view.current?.number).toBe(2);
  });

  it('is kept when the record of the generation itself is damaged', async () => {
    const bus = new FakeBus();
    putAll(bus, 1, first);
    const view = await viewOf(bus);
    bus.put('configuration.published.v1', GENERATION_KEY, new Uint8Array([0]));
    await settled();
    expect(view.current?.number).toBe(1);
  });

  it('is not whole with a record too many, or one of another content', async () => {
    const bus = new FakeBus();
    putAll(bus, 1, configurationOf([accessConnection('line')]));
    const extra = generationEntities(configurationOf([accessConnection('stray')]))[1];
    if (extra) putEntity(bus, extra);
    const view = await viewOf(bus);
    expect(view.current).toBeNull();
    bus.put('connections.configured.v1', 'stray', null);
    await settled();
    expect(view.current?.number).toBe(1);
  });

  it('is applied once when it is published again', async () => {
    const bus = new FakeBus();
    putAll(bus, 1, first);
    const view = await viewOf(bus);
    const heard: number[] = [];
    view.onChange((next) => heard.push(next.number));
    await settled();
    putAll(bus, 1, first);
    await settled();
    expect(heard).toEqual([1]);
  });

  it('follows a database begun anew, whose numbers start again', async () => {
    const bus = new FakeBus();
    putAll(bus, 1, first);
    const view = await viewOf(bus);
    putAll(bus, 1, second);
    await settled();
    expect(view.current?.configuration.site.title).toBe('Renamed');
  });

  it('tells the others when one listener fails, and nobody who has left', async () => {
    const bus = new FakeBus();
    const view = await viewOf(bus);
    const heard: AppliedGeneration[] = [];
    const gone = vi.fn<(next: AppliedGeneration) => void>();
    view.onChange(() => {
      throw new Error('a defect');
    });
    view.onChange((next) => heard.push(next));
    view.onChange(gone)();
    putAll(bus, 1, first);
    await settled();
    expect(heard).toHaveLength(1);
    expect(gone).not.toHaveBeenCalled();
  });

  it('is not looked at any more after the stop', async () => {
    const bus = new FakeBus();
    const view = await viewOf(bus);
    putAll(bus, 1, first);
    await view.stop();
    putAll(bus, 2, second);
    await settled();
    expect(view.current).toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });
});
