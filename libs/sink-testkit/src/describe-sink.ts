import { isBusbarError } from '@busbar/errors';
import { bad } from '@busbar/model';
import type { SinkMessage, SinkSpec } from '@busbar/sink-sdk';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeFields } from './describe-fields.js';
import { heapBytes } from './heap.js';
import { ASSETS, batchOf, START_MS, TestHost } from './site.js';
import type { ReceivedValue, Target, TargetSimulator } from './target.js';

const WAIT = { timeout: 5_000, interval: 5 };
/** What sink and target together may hold (each octet up to three times) of 40 MB that the target does not take. */
const HELD_BYTES = 40 * 1024 * 1024;

function outcomeOf(promise: Promise<unknown>): { settled: 'no' | 'resolved' | 'rejected'; error: unknown } {
  const outcome: { settled: 'no' | 'resolved' | 'rejected'; error: unknown } = { settled: 'no', error: undefined };
  promise.then(
    () => {
      outcome.settled = 'resolved';
    },
    (error: unknown) => {
      outcome.settled = 'rejected';
      outcome.error = error;
    },
  );
  return outcome;
}

/** The contract of every sink. `simulator` is a target on a real socket; optional parts of it turn on optional promises. */
export function describeSink<Config, Session>(sink: SinkSpec<Config, Session>, simulator: TargetSimulator): void {
  describe(`sink ${sink.id} keeps the contract of sinks`, () => {
    describeFields(sink);
    describe('on a running target', () => describeDelivery(sink, simulator));
  });
}

function describeDelivery<Config, Session>(sink: SinkSpec<Config, Session>, simulator: TargetSimulator): void {
  let target: Target;
  let host: TestHost;
  const open: Session[] = [];
  const never = new AbortController().signal;

  beforeEach(async () => {
    target = await simulator.start();
    host = new TestHost(target);
  });
  afterEach(async () => {
    target.setAcknowledging(true);
    await Promise.all(open.splice(0).map((session) => sink.close(session)));
    await target.stop();
  });

  const connect = async (assets: readonly string[] = ASSETS) => {
    const session = await sink.connect(host.context(sink.config.parse(target.config), assets), never);
    open.push(session);
    return session;
  };
  const numbered = (asset: string, n: number): SinkMessage =>
    host.message(asset, [{ point: 1, value: n }], START_MS + n);
  const of = (asset: string): ReceivedValue[] => target.received.filter((value) => value.asset === asset);

  it('delivers every selected value with its source time', async () => {
    const session = await connect();
    const rejections = await sink.send(
      session,
      [
        host.message('inv-01', [
          { point: 1, value: 12.5 },
          { point: 3, value: -7 },
        ]),
        host.message('inv-02', [{ point: 1, value: 3, timeMs: START_MS + 5 }]),
      ],
      never,
    );
    expect(rejections).toEqual([]);
    expect(of('inv-01').map(({ point, value, timeMs }) => ({ point, value, timeMs }))).toEqual([
      { point: 't0', value: 12.5, timeMs: START_MS },
      { point: 't2', value: -7, timeMs: START_MS },
    ]);
    expect(of('inv-02').map(({ value, timeMs }) => ({ value, timeMs }))).toEqual([{ value: 3, timeMs: START_MS + 5 }]);
  });

  it('sends only what is selected', async () => {
    const session = await connect();
    const message = host.message('inv-01', [
      { point: 1, value: 1 },
      { point: 2, value: 2 },
      { point: 3, value: 3 },
    ]);
    await sink.send(session, [{ ...message, selected: [1] }], never);
    expect(target.received.map((value) => value.point)).toEqual(['t1']);
  });

  it('delivers two values of one point in one batch, in their order', async () => {
    const session = await connect();
    const samples = [
      { point: 1, value: 1, timeMs: START_MS },
      { point: 1, value: 2, timeMs: START_MS + 1 },
      { point: 1, value: 3, timeMs: START_MS + 1 },
    ];
    await sink.send(session, [host.message('inv-01', samples)], never);
    expect(target.received.map((value) => value.value)).toEqual([1, 2, 3]);
  });

  it('never makes a value of one that is not there', async () => {
    const session = await connect();
    const samples = [
      { point: 1, value: Number.NaN, quality: bad('not-connected') },
      { point: 2, value: Number.NaN, quality: bad('not-connected') },
      { point: 3, value: Number.POSITIVE_INFINITY },
      { point: 4, value: 4 },
    ];
    await sink.send(session, [host.message('inv-01', samples)], never);
    const values = target.received.filter((value) => value.value !== undefined);
    expect(values.map(({ point, value }) => [point, value])).toEqual([['t3', 4]]);
  });

  it('acknowledges nothing before the target has it', async () => {
    const session = await connect();
    target.setAcknowledging(false);
    const before = target.offered;
    const sending = sink.send(session, [numbered('inv-01', 1), numbered('inv-02', 2)], never);
    const outcome = outcomeOf(sending);
    await vi.waitFor(() => expect(target.offered).toBeGreaterThan(before), WAIT);
    expect(outcome.settled).toBe('no');
    expect(target.received).toEqual([]);
    target.setAcknowledging(true);
    await sending;
    expect(target.received.length).toBe(2);
  });

  it('keeps the order of an asset, also between calls under way together', async () => {
    const session = await connect();
    for (let n = 0; n < 40; n += 4) {
      const calls = [n, n + 1, n + 2, n + 3].map((number) =>
        sink.send(
          session,
          ASSETS.map((asset) => numbered(asset, number)),
          never,
        ),
      );
      await Promise.all(calls);
    }
    const expected = Array.from({ length: 40 }, (_, n) => n);
    for (const asset of ASSETS) expect(of(asset).map((value) => value.value)).toEqual(expected);
  });

  it('fails what was under way when the link is cut, and delivers it in a new session', async () => {
    const session = await connect();
    target.setAcknowledging(false);
    const before = target.offered;
    const messages = [numbered('inv-01', 1), numbered('inv-02', 2)];
    const sending = sink.send(session, messages, never);
    const outcome = outcomeOf(sending);
    await vi.waitFor(() => expect(target.offered).toBeGreaterThan(before), WAIT);
    target.cut();
    await vi.waitFor(() => expect(outcome.settled).toBe('rejected'), WAIT);
    expect(isBusbarError(outcome.error, 'CONNECTION_LOST')).toBe(true);
    await sink.close(session);
    target.setAcknowledging(true);
    await sink.send(await connect(), messages, never);
    expect(of('inv-01').map((value) => value.value)).toEqual([1]);
    expect(of('inv-02').map((value) => value.value)).toEqual([2]);
  });

  it('tells once of a link that is lost while nothing is sent', async () => {
    const session = await connect();
    target.cut();
    await vi.waitFor(() => expect(host.lost.length).toBe(1), WAIT);
    expect(host.lost[0]?.code).toBe('CONNECTION_LOST');
    await expect(sink.send(session, [numbered('inv-01', 1)], never)).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(host.lost.length).toBe(1);
  });

  it('holds little of what a slow target does not take, and delivers all of it later', async () => {
    const assets = Array.from({ length: 400 }, (_, i) => `inv-${1000 + i}`);
    const session = await connect(assets);
    const batch = batchOf('any', [{ point: 11, value: 'x'.repeat(100_000) }]);
    const messages = assets.map((asset) => host.messageOf(asset, batch));
    target.setAcknowledging(false);
    const before = heapBytes();
    const sending = sink.send(session, messages, never);
    const outcome = outcomeOf(sending);
    await quiet(() => target.offered);
    expect(heapBytes() - before).toBeLessThan(HELD_BYTES);
    expect(outcome.settled).toBe('no');
    target.setAcknowledging(true);
    await sending;
    expect(target.received.map((value) => value.asset).sort()).toEqual(assets);
  }, 30_000);

  it('stops sending when told to', async () => {
    const session = await connect();
    const abort = new AbortController();
    target.setAcknowledging(false);
    const before = target.offered;
    const outcome = outcomeOf(sink.send(session, [numbered('inv-01', 1)], abort.signal));
    await vi.waitFor(() => expect(target.offered).toBeGreaterThan(before), WAIT);
    abort.abort();
    await vi.waitFor(() => expect(outcome.settled).toBe('rejected'), { timeout: 1_000, interval: 5 });
  });

  it('closes twice, during a send and after a lost link, and leaves no link open', async () => {
    const idle = await connect();
    await sink.close(idle);
    await sink.close(idle);
    await vi.waitFor(() => expect(target.links).toBe(0), WAIT);
    expect(host.lost).toEqual([]);

    const busy = await connect();
    target.setAcknowledging(false);
    const before = target.offered;
    const outcome = outcomeOf(sink.send(busy, [numbered('inv-01', 1)], never));
    await vi.waitFor(() => expect(target.offered).toBeGreaterThan(before), WAIT);
    await sink.close(busy);
    await vi.waitFor(() => expect(outcome.settled).toBe('rejected'), WAIT);
    await vi.waitFor(() => expect(target.links).toBe(0), WAIT);
    target.setAcknowledging(true);

    const cut = await connect();
    target.cut();
    await vi.waitFor(() => expect(host.lost.length).toBe(1), WAIT);
    await sink.close(cut);
    await vi.waitFor(() => expect(target.links).toBe(0), WAIT);
  });

  it('says that nothing listens', async () => {
    const gone = await simulator.start();
    await gone.stop();
    const context = host.context(sink.config.parse(gone.config));
    await expect(sink.connect(context, never)).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
  });

  it('reports values of points that no model knows, and sends the rest', async () => {
    const session = await connect();
    const message = host.message('inv-01', [
      { point: 1, value: 1 },
      { point: 99, value: 2 },
    ]);
    const rejections = await sink.send(session, [numbered('inv-02', 7), message, numbered('inv-03', 8)], never);
    expect(rejections.map(({ message: index, count }) => ({ index, count }))).toEqual([{ index: 1, count: 1 }]);
    expect(target.received.map((value) => value.value)).toEqual([7, 1, 8]);
  });

  it('reports a value that the target refuses, and sends the rest', async ({ skip }) => {
    if (!target.refuse) return skip('the target has no way to refuse a value');
    target.refuse('inv-02', 't1');
    const session = await connect();
    const three = [1, 2, 3].map((handle) => ({ point: handle, value: handle }));
    const messages = ASSETS.map((asset) => host.message(asset, three));
    const rejections = await sink.send(session, messages, never);
    expect(rejections.map(({ message, count }) => ({ message, count }))).toEqual([{ message: 1, count: 1 }]);
    expect(rejections[0]?.diagnosis.code).toBe('SINK_REFUSED');
    expect(of('inv-01').map((value) => value.value)).toEqual([1, 2, 3]);
    expect(of('inv-02').map((value) => value.value)).toEqual([1, 3]);
    expect(of('inv-03').map((value) => value.value)).toEqual([1, 2, 3]);
  });

  it('passes a repeated command on once and gives the same answer', async ({ skip }) => {
    if (!target.command) return skip('the target cannot command');
    await connect();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    host.answer = async () => {
      await held;
      return { code: 2105, message: 'out of range', data: {} };
    };
    const command = { id: '1073741824', asset: 'inv-01', values: { limit: 40 } };
    target.command(command);
    target.command(command);
    await vi.waitFor(() => expect(host.commands.length).toBe(1), WAIT);
    release();
    await vi.waitFor(() => expect(target.answers?.length).toBeGreaterThan(0), WAIT);
    const answered = target.answers?.length ?? 0;
    target.command(command);
    await vi.waitFor(() => expect(target.answers?.length).toBeGreaterThan(answered), WAIT);
    expect(new Set(target.answers?.map(({ id, code }) => `${id} ${code}`))).toEqual(new Set(['1073741824 2105']));
    expect(host.commands).toHaveLength(1);
    expect(host.commands[0]).toMatchObject({ asset: 'inv-01', values: [{ point: 'limit', value: 40 }] });
  });

  it('never passes on a retained command', async ({ skip }) => {
    if (!target.command) return skip('the target cannot command');
    await connect();
    target.command({ id: '1', asset: 'inv-01', values: { limit: 40 }, retained: true });
    target.command({ id: '2', asset: 'inv-01', values: { limit: 50 } });
    await vi.waitFor(() => expect(target.answers?.some((answer) => answer.id === '2')).toBe(true), WAIT);
    expect(host.commands.map((command) => command.values)).toEqual([[{ point: 'limit', value: 50 }]]);
  });

  it('survives any octets where it awaits replies and commands', async ({ skip }) => {
    if (!target.garbage) return skip('the sink listens to nothing');
    const session = await connect();
    const json = fc.json().map((text) => new TextEncoder().encode(text));
    for (const octets of fc.sample(fc.oneof(fc.uint8Array({ maxLength: 200 }), json), 300)) target.garbage(octets);
    await sink.send(session, [numbered('inv-01', 1)], never);
    expect(of('inv-01').map((value) => value.value)).toEqual([1]);
    expect(host.lost).toEqual([]);
  });
}

/** Resolves when the count has stood still for a while: nothing more is coming by itself. */
async function quiet(count: () => number): Promise<void> {
  let last = -1;
  let same = 0;
  await vi.waitFor(
    () => {
      same = count() === last ? same + 1 : 0;
      last = count();
      if (same < 40) throw new Error('still moving');
    },
    { timeout: 20_000, interval: 5 },
  );
}
