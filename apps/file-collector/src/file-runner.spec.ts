import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FileBench, task } from './testing/file-bench.js';

let bench: FileBench;

afterEach(async () => {
  await bench?.stop();
});

function begin(...tasks: Parameters<typeof task>[0][]): FileBench {
  bench = new FileBench(...(tasks.length === 0 ? [task()] : tasks.map(task)));
  return bench;
}

/** Starts, and lets everything happen that follows. */
async function started(): Promise<void> {
  bench.runner.start();
  await bench.pass(0);
}

const run = (name = 't') => ({ id: '1', connection: 'c', task: name, act: 'fetch', by: 'test', at: 0 }) as const;

describe('files that are collected', () => {
  it('come to the cloud once, however often they are listed, with a time each of its own', async () => {
    begin();
    bench.device.put('/r/a', 'first');
    bench.device.put('/r/b', 'second');
    await started();
    await bench.pass(600_000);
    expect(bench.cloud.got).toEqual(['a: first', 'b: second']);
    expect(new Set(bench.cloud.times).size).toBe(2);
    expect(bench.device.reads).toEqual(['/r/a 0', '/r/b 0']);
    expect(bench.report).toMatchObject({ state: 'active', files: [{ uploaded: 2, waiting: 0, keptBytes: 11 }] });
  });

  it('come again when their content has changed, and not when they were only touched', async () => {
    begin();
    bench.device.put('/r/a', 'one');
    await started();
    bench.device.put('/r/a', 'one');
    await bench.pass(60_000);
    expect(bench.device.reads).toEqual(['/r/a 0', '/r/a 0']);
    expect(bench.cloud.got).toEqual(['a: one']);
    bench.device.put('/r/a', 'two');
    await bench.pass(60_000);
    expect(bench.cloud.got).toEqual(['a: one', 'a: two']);
  });

  it('are not taken before they are at rest', async () => {
    begin({ settledMs: 10_000 });
    bench.device.put('/r/a', 'x');
    await started();
    for (let i = 0; i < 5; i++) {
      await bench.pass(9_000);
      bench.device.put('/r/a', 'x'.repeat(i + 2));
      bench.runner.request(run());
      await bench.pass(0);
    }
    expect(bench.device.reads).toEqual([]);
    await bench.pass(10_000);
    expect(bench.cloud.got).toEqual(['a: xxxxxx']);
  });

  it('are taken anew when they change while they are read', async () => {
    begin();
    bench.device.put('/r/a', 'not yet whole');
    bench.device.given = () => {
      bench.device.given = () => undefined;
      bench.device.put('/r/a', 'now it is whole');
    };
    await started();
    await bench.pass(60_000);
    expect(bench.cloud.got).toEqual(['a: now it is whole']);
  });

  it('go on from where the link was lost', async () => {
    begin();
    bench.device.put('/r/a', '0123456789abcdef');
    bench.device.cutAfter = 8;
    await started();
    await bench.pass(1_000);
    expect(bench.device.reads).toEqual(['/r/a 0', '/r/a 8']);
    expect(bench.cloud.got).toEqual(['a: 0123456789abcdef']);
  });

  it('are never taken with another size than announced, and let others pass', async () => {
    begin();
    bench.device.put('/r/a', 'shorter than it says');
    bench.device.put('/r/b', 'longer than it says');
    bench.device.put('/r/c', 'true');
    bench.device.lies.set('/r/a', 100).set('/r/b', 2);
    await started();
    await bench.pass(30_000);
    expect(bench.cloud.got).toEqual(['c: true']);
    expect(bench.report?.diagnosis).toMatchObject({ code: 'FILE_SIZE', params: { file: '/r/a', announced: 100 } });
  });

  it('let others pass that may not be read, and are taken once they may', async () => {
    begin();
    bench.device.put('/r/a', 'locked');
    bench.device.put('/r/b', 'open');
    bench.device.denied.add('/r/a');
    await started();
    expect(bench.cloud.got).toEqual(['b: open']);
    await bench.pass(60_000);
    expect(bench.diagnosis()).toBe('FILE_DENIED');
    expect(bench.bus.collected.filter(({ state }) => state === 'failed')).toHaveLength(1);
    bench.device.denied.clear();
    bench.runner.request(run());
    await bench.pass(0);
    expect(bench.cloud.got).toEqual(['b: open', 'a: locked']);
    expect(bench.diagnosis()).toBeUndefined();
  });

  it('wait for their set to be whole', async () => {
    begin({ match: ['*.cfg', '*.dat'], sets: 'same-name' });
    bench.device.put('/r/1.cfg', 'c');
    bench.device.put('/r/2.cfg', 'c');
    bench.device.put('/r/2.dat', 'd');
    await started();
    expect(bench.cloud.got).toEqual(['2.cfg: c', '2.dat: d']);
    bench.device.put('/r/1.dat', 'd');
    await bench.pass(60_000);
    expect(bench.cloud.got.slice(2)).toEqual(['1.cfg: c', '1.dat: d']);
  });

  it('are fetched when somebody asks, where there is no period', async () => {
    begin({ everyMs: null });
    bench.device.put('/r/a', 'x');
    await started();
    await bench.pass(3_600_000);
    expect(bench.device.opened).toBe(0);
    bench.runner.request(run());
    await bench.pass(0);
    expect(bench.cloud.got).toEqual(['a: x']);
  });

  it('keep to the limit of their rate', async () => {
    begin({ limit: 1_024, keep: { ms: 0, bytes: 100_000 } });
    bench.device.put('/r/a', 'x'.repeat(2_048));
    bench.runner.start();
    await bench.pass(1_600);
    expect(bench.cloud.got).toEqual([]);
    await bench.pass(400);
    expect(bench.cloud.got).toHaveLength(1);
  });
});

describe('a device that is away', () => {
  it('is tried again with growing pauses, and said to be so', async () => {
    begin();
    bench.device.isAway = true;
    bench.device.put('/r/a', 'x');
    await started();
    expect(bench.report).toMatchObject({ state: 'degraded', diagnosis: { code: 'CONNECTION_REFUSED' } });
    bench.device.isAway = false;
    await bench.pass(4_999);
    expect(bench.cloud.got).toEqual([]);
    await bench.pass(1);
    expect(bench.cloud.got).toEqual(['a: x']);
    expect(bench.report?.state).toBe('active');
  });
});

describe('a device that says nothing', () => {
  it('does not hold up the stop', async () => {
    begin();
    bench.device.isSilent = true;
    bench.device.put('/r/a', 'x');
    bench.runner.start();
    await vi.waitUntil(() => bench.device.reads.length === 1);
    await bench.runner.stop();
    expect(bench.cloud.got).toEqual([]);
  });
});

describe('what happens to a file at its source', () => {
  it.each([
    ['delete', { act: 'delete' } as const, []],
    ['move', { act: 'move', folder: '/done' } as const, ['/done/a']],
    ['keep', { act: 'keep' } as const, ['/r/a']],
  ])('%s happens only once the cloud has it', async (_name, after, left) => {
    begin({ after });
    bench.cloud.isAway = true;
    bench.device.put('/r/a', 'x');
    await started();
    await bench.pass(300_000);
    expect([...bench.device.files.keys()]).toEqual(['/r/a']);
    bench.cloud.isAway = false;
    await bench.pass(60_000);
    expect(bench.cloud.got).toEqual(['a: x']);
    expect([...bench.device.files.keys()]).toEqual(left);
  });

  it('does not happen to what took its place meanwhile', async () => {
    begin({ after: { act: 'delete' }, everyMs: null });
    bench.cloud.isAway = true;
    bench.device.put('/r/a', 'old');
    await started();
    bench.runner.request(run());
    await bench.pass(0);
    bench.device.put('/r/a', 'new and not in the cloud');
    bench.cloud.isAway = false;
    await bench.pass(60_000);
    expect(bench.cloud.got).toEqual(['a: old']);
    expect(bench.device.files.get('/r/a')?.content.toString()).toBe('new and not in the cloud');
  });
});

describe('files that wait here', () => {
  it('are never dropped for newer ones: nothing more is fetched, and it is said why', async () => {
    begin({ keep: { ms: 86_400_000, bytes: 10 } });
    bench.cloud.isAway = true;
    for (const name of ['a', 'b', 'c']) bench.device.put(`/r/${name}`, `1234${name}`);
    await started();
    expect(bench.device.reads).toEqual(['/r/a 0', '/r/b 0']);
    expect(bench.report).toMatchObject({
      diagnosis: { code: 'FILE_SPOOL_FULL' },
      files: [{ waiting: 2, waitingBytes: 10 }],
    });
    bench.cloud.isAway = false;
    await bench.pass(180_000);
    expect(bench.cloud.got).toEqual(['a: 1234a', 'b: 1234b', 'c: 1234c']);
    // The oldest delivered one made room.
    expect(bench.report).toMatchObject({ state: 'active', files: [{ keptBytes: 10 }] });
  });

  it('are dropped when they were kept long enough, delivered ones only', async () => {
    begin({ keep: { ms: 120_000, bytes: 1_000 } });
    bench.device.put('/r/a', 'x');
    await started();
    await bench.pass(110_000);
    expect(bench.report?.files?.[0]?.keptBytes).toBe(1);
    bench.cloud.isAway = true;
    bench.device.put('/r/b', 'yy');
    await bench.pass(300_000);
    expect(bench.report?.files?.[0]).toMatchObject({ keptBytes: 2, waiting: 1 });
  });

  it('let others pass where the cloud refuses one, which is tried again', async () => {
    begin();
    bench.cloud.refused.add('a');
    bench.device.put('/r/a', 'x');
    bench.device.put('/r/b', 'y');
    await started();
    expect(bench.cloud.got).toEqual(['b: y']);
    expect(bench.report?.files?.[0]).toMatchObject({ waiting: 1 });
    bench.cloud.refused.clear();
    await bench.pass(60_000);
    expect(bench.cloud.got).toEqual(['b: y', 'a: x']);
  });

  it('are collected anew when the disk has changed them', async () => {
    begin();
    bench.cloud.refused.add('a');
    bench.device.put('/r/a', 'sound');
    await started();
    const spool = join(bench.folder, 'spool', 'c');
    const [name] = readdirSync(spool).filter((file) => file.endsWith('.file'));
    writeFileSync(join(spool, name as string), 'other');
    await bench.pass(60_000);
    bench.cloud.refused.clear();
    await bench.pass(120_000);
    expect(bench.device.reads).toEqual(['/r/a 0', '/r/a 0']);
    expect(bench.cloud.got).toEqual(['a: sound']);
  });

  it('go to every sink, also where one of them is away', async () => {
    begin();
    bench.cloud.sinks = ['cloud', 'lake'];
    bench.device.put('/r/a', 'x');
    await started();
    expect(bench.cloud.got).toEqual(['a: x', 'a: x']);
    expect(new Set(bench.cloud.times).size).toBe(1);
    expect(bench.report?.files?.[0]?.uploaded).toBe(1);
  });

  it('wait for a sink where there is none', async () => {
    begin();
    bench.cloud.sinks = [];
    bench.device.put('/r/a', 'x');
    await started();
    expect(bench.diagnosis()).toBe('FILE_NO_TARGET');
    bench.cloud.sinks = ['cloud'];
    bench.apply(task());
    await bench.pass(0);
    expect(bench.cloud.got).toEqual(['a: x']);
    expect(bench.diagnosis()).toBeUndefined();
  });

  it('are delivered again when somebody asks', async () => {
    begin();
    bench.device.put('/r/a', 'x');
    await started();
    bench.runner.request({ ...run(), act: 'deliver', file: '/r/a' });
    await vi.waitUntil(() => bench.cloud.got.length === 2);
    await bench.pass(0);
    bench.runner.request({ ...run(), act: 'deliver', file: '/r/none' });
    await bench.pass(0);
    expect(bench.cloud.got).toEqual(['a: x', 'a: x']);
    expect(new Set(bench.cloud.times).size).toBe(1);
    expect(bench.bus.collected.at(-1)?.diagnosis?.code).toBe('FILE_SPOOL_GONE');
  });
});

describe('after a restart', () => {
  it('what waited is delivered, and what was delivered is not collected again', async () => {
    begin();
    bench.device.put('/r/a', 'delivered');
    await started();
    bench.cloud.isAway = true;
    bench.device.put('/r/b', 'waiting');
    await bench.pass(60_000);
    await bench.runner.stop();
    bench.cloud.isAway = false;
    bench.restart([task()]);
    await bench.pass(0);
    expect(bench.cloud.got).toEqual(['a: delivered', 'b: waiting']);
    expect(bench.device.reads).toEqual(['/r/a 0', '/r/b 0']);
  });

  it('another owner with a disk of its own sends nothing twice', async () => {
    begin();
    bench.device.put('/r/a', 'x');
    await started();
    await bench.runner.stop();
    bench.restart([task()], 'another');
    await bench.pass(600_000);
    expect(bench.cloud.got).toEqual(['a: x']);
  });

  it('one that comes back does not send what the other has sent', async () => {
    begin();
    bench.cloud.isAway = true;
    bench.device.put('/r/a', 'x');
    await started();
    await bench.runner.stop();
    bench.cloud.isAway = false;
    bench.restart([task()], 'another');
    await bench.pass(0);
    await bench.runner.stop();
    bench.restart([task()]);
    await bench.pass(60_000);
    expect(bench.cloud.got).toEqual(['a: x']);
    expect(bench.report?.files?.[0]?.waiting).toBe(0);
  });
});

describe('tasks that start by cron', () => {
  const HOUR_MS = 3_600_000;
  const hourly = { everyMs: null, cron: '30 * * * *' };
  const next = () => bench.report?.files?.[0]?.nextRunAt;

  it('run at their times only', async () => {
    begin(hourly);
    bench.device.put('/r/a', 'x');
    await started();
    expect(bench.device.opened).toBe(0);
    expect(next()).toBe(Date.parse('2026-03-04T12:30:00Z'));
    await bench.pass(HOUR_MS);
    expect(bench.cloud.got).toEqual(['a: x']);
    expect(bench.device.opened).toBe(1);
    await bench.pass(3 * HOUR_MS);
    expect(bench.device.opened).toBe(4);
  });

  it('run once for all the starts that were missed while nobody had them', async () => {
    begin(hourly);
    await started();
    await bench.runner.stop();
    bench.nowMs += 5 * HOUR_MS;
    bench.device.put('/r/a', 'late');
    bench.restart([task(hourly)]);
    await bench.pass(0);
    expect(bench.cloud.got).toEqual(['a: late']);
    await bench.pass(HOUR_MS / 4);
    expect(bench.device.opened).toBe(1);
  });

  it('owe nothing when none was missed, nor for the time before a new schedule', async () => {
    begin(hourly);
    await started();
    await bench.pass(HOUR_MS);
    await bench.runner.stop();
    bench.nowMs += 60_000;
    bench.restart([task(hourly)]);
    await bench.pass(0);
    bench.apply(task({ everyMs: null, cron: '*/10 * * * *' }));
    await bench.pass(0);
    expect(bench.device.opened).toBe(1);
    expect(next()).toBe(Date.parse('2026-03-04T13:10:00Z'));
  });

  it('run again when a stop cut the run off', async () => {
    begin(hourly);
    bench.device.put('/r/a', 'x');
    await started();
    bench.device.isSilent = true;
    const passing = bench.pass(HOUR_MS / 2);
    await vi.waitUntil(() => bench.device.reads.length === 1);
    await bench.runner.stop();
    bench.device.isSilent = false;
    bench.restart([task(hourly)]);
    await passing;
    expect(bench.cloud.got).toEqual(['a: x']);
  });
});

describe('tasks that a point starts', () => {
  const start = { everyMs: null, startOn: { asset: 'a', point: 'F', delayMs: 30_000 } };

  it('run when somebody takes their connection, and after the delay of each change', async () => {
    begin(start);
    await started();
    expect(bench.device.opened).toBe(1);
    bench.runner.startTask('t');
    await bench.pass(20_000);
    bench.device.put('/r/a', 'x');
    bench.runner.startTask('t');
    await bench.pass(9_000);
    expect(bench.device.opened).toBe(1);
    await bench.pass(1_000);
    expect([bench.device.opened, bench.cloud.got]).toEqual([2, ['a: x']]);
    bench.device.put('/r/b', 'y');
    await bench.pass(20_000);
    expect([bench.device.opened, bench.cloud.got]).toEqual([3, ['a: x', 'b: y']]);
    await bench.pass(600_000);
    expect(bench.device.opened).toBe(3);
  });
});

describe('what failed', () => {
  it('is tried at once when somebody wants it, at the source and at the cloud', async () => {
    begin();
    bench.device.put('/r/a', 'x');
    bench.device.put('/r/b', 'y');
    bench.device.denied.add('/r/a');
    bench.cloud.refused.add('b');
    await started();
    expect(bench.cloud.got).toEqual([]);
    bench.device.denied.clear();
    bench.cloud.refused.clear();
    bench.runner.request({ ...run(), act: 'retry', file: '/r/a' });
    await bench.pass(0);
    expect(bench.cloud.got.toSorted()).toEqual(['a: x', 'b: y']);
  });
});
