import { BusbarError } from '@busbar/errors';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  generation,
  isSettled,
  lostLink,
  pass,
  points,
  recordOf,
  SinkBench,
  sinkConfig,
} from './testing/sink-bench.js';

const START_MS = 1_800_000_000_000;
const busy = new BusbarError('SINK_BUSY', { target: 'fake', reason: 'later' });

let bench: SinkBench;

beforeEach(async () => {
  vi.useFakeTimers({ now: START_MS });
  bench = new SinkBench();
  bench.runner.start();
  await pass();
});
afterEach(async () => {
  const stopping = bench.runner.stop();
  await pass(10_000);
  await stopping;
  vi.useRealTimers();
});

describe('a delivery', () => {
  it('is settled only when the target has acknowledged it', async () => {
    bench.sink.holds = true;
    const { done } = bench.deliver(recordOf(points({ 1: 5 })));
    expect(await isSettled(done)).toBe(false);
    expect(bench.sink.sent).toEqual(['a1 P1=5']);
    bench.sink.calls[0]?.answer();
    await done;
    expect(bench.counts).toMatchObject({ acknowledged: 1, refused: 0 });
  });

  it('is sent only when it is durable', async () => {
    let durable: () => void = () => undefined;
    bench.flushed = () =>
      new Promise((resolve) => {
        durable = resolve;
      });
    const { done } = bench.deliver(recordOf(points({ 1: 5 })));
    await pass();
    expect(bench.sink.sent).toEqual([]);
    durable();
    await done;
    expect(bench.sink.sent).toEqual(['a1 P1=5']);
  });

  it('without anything for this sink is settled', async () => {
    await bench.deliver(recordOf(points({ 1: 5 }, { key: 'other' })), recordOf(points({ 9: 5 }))).done;
    expect(bench.sink.calls).toEqual([]);
  });

  it('does not overtake the one before, whichever is prepared sooner', async () => {
    const flushes: (() => void)[] = [];
    bench.flushed = () => new Promise((resolve) => flushes.push(resolve));
    const first = bench.deliver(recordOf(points({ 1: 1 })), recordOf(points({ 1: 2 })));
    const second = bench.deliver(recordOf(points({ 1: 3 })));
    await pass();
    while (flushes.length > 0) {
      flushes.pop()?.();
      await pass();
    }
    await Promise.all([first.done, second.done]);
    expect(bench.sink.sent).toEqual(['a1 P1=1', 'a1 P1=2', 'a1 P1=3']);
  });

  it('is under way beside the one before', async () => {
    bench.sink.holds = true;
    bench.deliver(recordOf(points({ 1: 1 })));
    bench.deliver(recordOf(points({ 1: 2 })));
    await pass();
    expect(bench.sink.calls).toHaveLength(2);
    for (const call of bench.sink.calls) call.answer();
  });

  it('of a newer generation waits until that is whole here, and holds up what follows', async () => {
    const first = bench.deliver(recordOf(points({ 1: 1 }, { generation: 2 })));
    const second = bench.deliver(recordOf(points({ 1: 2 })));
    await pass(5_000);
    expect(bench.sink.sent).toEqual([]);
    bench.runner.apply(generation(2), sinkConfig());
    await Promise.all([first.done, second.done]);
    expect(bench.sink.sent).toEqual(['a1 P1=1', 'a1 P1=2']);
  });

  it('marks values late that were collected over a minute ago', async () => {
    await bench.deliver(recordOf(points({ 1: 1 }, { collectedMs: START_MS - 60_001 }))).done;
    await bench.deliver(recordOf(points({ 1: 2 }, { collectedMs: START_MS - 59_000 }))).done;
    expect(bench.sink.sent).toEqual(['a1 P1=1 late', 'a1 P1=2']);
  });
});

describe('what failed', () => {
  it('takes the same selection again, though its values count as sent', async () => {
    const record = recordOf(points({ 2: 7 }));
    bench.sink.sendError = busy;
    await expect(bench.deliver(record).done).rejects.toBe(busy);
    await expect(bench.deliver(record).done).rejects.toBe(busy);
    bench.sink.sendError = null;
    await bench.deliver(record).done;
    await bench.deliver(recordOf(points({ 2: 7 }))).done;
    expect(bench.sink.sent).toEqual(['a1 P2=7', 'a1 P2=7', 'a1 P2=7']);
  });

  it('takes those behind it along, and all go again in their order', async () => {
    const records = [1, 2].map((value) => recordOf(points({ 1: value })));
    bench.sink.holds = true;
    const first = bench.deliver(records[0] as never);
    await pass();
    let durable: () => void = () => undefined;
    bench.flushed = () =>
      new Promise((resolve) => {
        durable = resolve;
      });
    const second = bench.deliver(records[1] as never);
    await pass();
    bench.sink.calls[0]?.fail(busy);
    await expect(first.done).rejects.toBe(busy);
    durable();
    await expect(second.done).rejects.toBe(busy);
    expect(bench.sink.sent).toEqual(['a1 P1=1']);
    bench.sink.holds = false;
    bench.flushed = async () => undefined;
    await Promise.all(records.map((record) => bench.deliver(record).done));
    expect(bench.sink.sent.slice(1)).toEqual(['a1 P1=1', 'a1 P1=2']);
  });

  it('is selected anew when its records never became durable: they come again as others', async () => {
    bench.flushed = async () => {
      throw new Error('disk full');
    };
    await expect(bench.deliver(recordOf(points({ 2: 7 }))).done).rejects.toThrow('disk full');
    bench.flushed = async () => undefined;
    await bench.deliver(recordOf(points({ 2: 7 }))).done;
    expect(bench.sink.sent).toEqual(['a1 P2=7']);
  });

  it('is selected anew when the partition went and came back', async () => {
    bench.sink.sendError = busy;
    await expect(bench.deliver(recordOf(points({ 2: 7 }))).done).rejects.toBe(busy);
    bench.lane.abort();
    bench.sink.sendError = null;
    Object.assign(bench, { lane: new AbortController() });
    await bench.deliver(recordOf(points({ 2: 7 }))).done;
    expect(bench.sink.sent).toEqual(['a1 P2=7', 'a1 P2=7']);
  });

  it('makes the sink degraded until something is acknowledged', async () => {
    const record = recordOf(points({ 1: 1 }));
    bench.sink.sendError = busy;
    await expect(bench.deliver(record).done).rejects.toBe(busy);
    expect(bench.reports.at(-1)).toMatchObject({ state: 'degraded', diagnosis: { code: 'SINK_BUSY' } });
    bench.sink.sendError = null;
    await bench.deliver(record).done;
    expect(bench.state).toBe('active');
  });
});

describe('what the target refuses', () => {
  const diagnosis = { code: 'SINK_REFUSED' as const, params: { target: 'fake', count: 1, reason: 'no' } };

  it('is a dead letter of its record alone, once, and is counted', async () => {
    bench.sink.rejections = [
      { message: 1, count: 1, diagnosis },
      { message: 1, count: 1, diagnosis },
    ];
    const records = [recordOf(points({ 1: 1 })), recordOf(points({ 1: 2, 2: 2 })), recordOf(points({ 1: 3 }))];
    const { done, refused } = bench.deliver(...records);
    await done;
    expect(refused).toEqual([{ record: records[1], diagnosis }]);
    expect(bench.counts).toMatchObject({ acknowledged: 2, refused: 2 });
    expect(bench.reports.at(-1)).toMatchObject({ state: 'degraded', sink: { acknowledged: 2, refused: 2 } });
  });

  it('is named by its record, though others of the delivery send nothing', async () => {
    bench.sink.rejections = [{ message: 0, count: 1, diagnosis }];
    const records = [recordOf(points({ 1: 1 }, { key: 'other' })), recordOf(points({ 1: 2 }))];
    const { done, refused } = bench.deliver(...records);
    await done;
    expect(refused.map(({ record }) => record)).toEqual([records[1]]);
  });

  it('does not stop values whose time has come', async () => {
    bench.sink.rejections = [{ message: 0, count: 1, diagnosis }];
    await bench.deliver(recordOf(points({ 3: 1 }))).done;
    await bench.deliver(recordOf(points({ 3: 2 }))).done;
    await pass(11_000);
    expect(bench.sink.sent).toEqual(['a1 P3=1', 'a1 P3=2']);
  });

  it('includes a damaged record, refused once though the delivery is tried again', async () => {
    const damaged = { ...recordOf(points({ 1: 1 })), value: new Uint8Array([1]) };
    const good = recordOf(points({ 1: 2 }));
    bench.sink.sendError = busy;
    const first = bench.deliver(damaged, good);
    await expect(first.done).rejects.toBe(busy);
    bench.sink.sendError = null;
    const second = bench.deliver(damaged, good);
    await second.done;
    expect(first.refused.map(({ record }) => record)).toEqual([damaged]);
    expect(second.refused).toEqual([]);
    expect(bench.sink.sent.at(-1)).toBe('a1 P1=2');
  });
});

describe('timed values', () => {
  it('go when their time has come without another one', async () => {
    await bench.deliver(recordOf(points({ 3: 1 }))).done;
    await pass(1_000);
    await bench.deliver(recordOf(points({ 3: 2 }))).done;
    await pass(8_000);
    expect(bench.sink.sent).toEqual(['a1 P3=1']);
    await pass(2_000);
    expect(bench.sink.sent).toEqual(['a1 P3=1', 'a1 P3=2']);
    expect(bench.counts.acknowledged).toBe(2);
  });

  it('wait while newer records were not seen yet', async () => {
    await bench.deliver(recordOf(points({ 3: 1 }))).done;
    await bench.deliver(recordOf(points({ 3: 2 }))).done;
    bench.oldestMs = START_MS;
    await pass(30_000);
    expect(bench.sink.sent).toEqual(['a1 P3=1']);
    bench.oldestMs = null;
    await pass(1_000);
    expect(bench.sink.sent).toEqual(['a1 P3=1', 'a1 P3=2']);
  });

  it('keep their beat for what an outage kept back', async () => {
    for (let s = 0; s < 60; s++) {
      await bench.deliver(recordOf(points({ 3: s }, { collectedMs: START_MS - 3_600_000 + s * 1000 }))).done;
    }
    expect(bench.sink.sent).toEqual([0, 10, 20, 30, 40, 50].map((s) => `a1 P3=${s} late`));
  });

  it('that could not be sent go before anything newer', async () => {
    await bench.deliver(recordOf(points({ 3: 1 }))).done;
    await bench.deliver(recordOf(points({ 3: 2 }))).done;
    bench.sink.sendError = busy;
    await pass(11_000);
    bench.sink.sendError = null;
    bench.sink.calls.length = 0;
    await bench.deliver(recordOf(points({ 3: 3, 1: 3 }))).done;
    expect(bench.sink.sent).toEqual(['a1 P3=2', 'a1 P1=3']);
  });
});

describe('the session', () => {
  it('is made anew after a loss, and what was under way goes again', async () => {
    const record = recordOf(points({ 1: 1 }));
    bench.sink.holds = true;
    const { done } = bench.deliver(record);
    await pass();
    bench.sink.calls[0]?.fail(lostLink());
    await expect(done).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(bench.reports.at(-1)).toMatchObject({ state: 'degraded', diagnosis: { code: 'CONNECTION_LOST' } });
    bench.sink.holds = false;
    const again = bench.deliver(record);
    await pass(1_000);
    await again.done;
    expect(bench.sink.log).toEqual(['connect', 'close 1', 'connect']);
    expect(bench.sink.calls.map(({ session }) => session)).toEqual([1, 2]);
    expect(bench.state).toBe('active');
  });

  it('is made anew when it was lost while nothing was sent', async () => {
    bench.sink.contexts[0]?.lost(lostLink().diagnosis);
    expect(bench.state).toBe('degraded');
    await pass(1_000);
    expect(bench.sink.log).toEqual(['connect', 'close 1', 'connect']);
  });

  it('goes on over a generation that does not change it, and values do not go anew', async () => {
    await bench.deliver(recordOf(points({ 2: 7 }))).done;
    bench.runner.apply(generation(2), sinkConfig());
    await bench.deliver(recordOf(points({ 2: 7 }, { generation: 2 }))).done;
    expect(bench.sink.sent).toEqual(['a1 P2=7']);
    expect(bench.sink.log).toEqual(['connect']);
  });

  it('is made anew at once by a generation that changes it', async () => {
    bench.runner.apply(generation(2), sinkConfig({ with: { url: 'other' } }));
    await pass();
    expect(bench.sink.log).toEqual(['connect', 'close 1', 'connect']);
    expect(bench.sink.contexts.at(-1)?.config).toEqual({ url: 'other' });
  });

  it('lets the target command only where the package says so', async () => {
    expect(bench.sink.contexts[0]?.command).toBeDefined();
    bench.runner.apply(generation(2), sinkConfig({ control: false }));
    await pass();
    expect(bench.sink.contexts.at(-1)?.command).toBeUndefined();
  });
});

describe('the stop', () => {
  it('lets the target acknowledge what it was given, and leaves nothing behind', async () => {
    bench.sink.holds = true;
    const { done } = bench.deliver(recordOf(points({ 1: 1 })));
    await pass();
    const stopping = bench.runner.stop();
    await pass(1_000);
    expect(await isSettled(stopping)).toBe(false);
    bench.sink.calls[0]?.answer();
    await done;
    await stopping;
    expect(bench.sink.log.at(-1)).toBe('close 1');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gives up after 3 s what is not acknowledged', async () => {
    bench.sink.holds = true;
    const { done } = bench.deliver(recordOf(points({ 1: 1 })));
    await pass();
    const stopping = bench.runner.stop();
    await pass(3_000);
    await expect(done).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    await stopping;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not wait for a target that cannot be reached, nor for a generation', async () => {
    bench.sink.connectError = lostLink();
    bench.sink.contexts[0]?.lost(lostLink().diagnosis);
    const away = bench.deliver(recordOf(points({ 1: 1 })));
    await pass(60_000);
    await bench.runner.stop();
    await expect(away.done).rejects.toThrow();
    expect(vi.getTimerCount()).toBe(0);

    const other = new SinkBench();
    other.runner.start();
    await pass();
    const early = other.deliver(recordOf(points({ 1: 1 }, { generation: 9 })));
    await pass(60_000);
    await other.runner.stop();
    await expect(early.done).rejects.toThrow();
    expect(vi.getTimerCount()).toBe(0);
  });
});
