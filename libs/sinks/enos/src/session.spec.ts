import type { SinkMessage } from '@busbar/sink-sdk';
import { START_MS, TestHost } from '@busbar/sink-testkit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EnosSession } from './session.js';
import { type EnosTarget, enosTarget } from './simulator/enos-target.js';
import enosSink from './sink.js';

const never = new AbortController().signal;
const WAIT = { timeout: 5_000, interval: 5 };

describe('a session with EnOS', () => {
  let target: EnosTarget;
  let host: TestHost;
  let session: EnosSession | undefined;

  beforeEach(async () => {
    target = await enosTarget.start();
    host = new TestHost(target);
  });
  afterEach(async () => {
    if (session) await enosSink.close(session);
    session = undefined;
    await target.stop();
  });

  const connect = async (config: Record<string, unknown> = {}) => {
    session = await enosSink.connect(host.context(enosSink.config.parse({ ...target.config, ...config })), never);
    return session;
  };
  const one = (asset: string, value: number): SinkMessage =>
    host.message(asset, [{ point: 1, value }], START_MS + value);
  const posts = () => target.requests.filter(({ topic }) => topic.endsWith('/batch') && topic.includes('measurepoint'));

  it('logs in all sub-devices by one request, before any data', async () => {
    await connect();
    expect(target.requests.map(({ topic }) => topic)).toEqual(['/ext/session/pkEdge/site-1/combine/login/batch']);
    expect(target.requests[0]?.envelope.method).toBe('combine.login.batch');
  });

  it('says that EnOS does not let the gateway in', async () => {
    const context = host.context(enosSink.config.parse(target.config));
    const wrong = { ...context, secret: async () => 'wrong' };
    await expect(enosSink.connect(wrong, never)).rejects.toMatchObject({ code: 'CONNECTION_DENIED' });
  });

  it('puts many assets into one request', async () => {
    await enosSink.send(await connect(), [one('inv-01', 1), one('inv-02', 2), one('inv-03', 3)], never);
    expect(posts()).toHaveLength(1);
    expect(target.received.map(({ value }) => value)).toEqual([1, 2, 3]);
  });

  it('reports values of a sub-device that is not let in, sends the others, and logs it in later', async () => {
    target.unknown.add('site-1-inv-02');
    await connect({ loginRetry: '100ms' });
    const messages = [one('inv-01', 1), one('inv-02', 2)];
    const rejections = await enosSink.send(session as EnosSession, messages, never);
    expect(rejections.map(({ message, count }) => ({ message, count }))).toEqual([{ message: 1, count: 1 }]);
    expect(rejections[0]?.diagnosis.params.reason).toContain('pkInv/site-1-inv-02');
    expect(target.received.map(({ value }) => value)).toEqual([1]);
    target.unknown.clear();
    await vi.waitFor(async () => {
      expect(await enosSink.send(session as EnosSession, [one('inv-02', 4)], never)).toEqual([]);
    }, WAIT);
  });

  it('logs a device in again that EnOS has forgotten, and loses nothing', async () => {
    await connect();
    target.logOut('inv-02');
    const messages = [one('inv-01', 1), one('inv-02', 2), one('inv-03', 3)];
    expect(await enosSink.send(session as EnosSession, messages, never)).toEqual([]);
    expect(target.received.map(({ value }) => value).sort()).toEqual([1, 2, 3]);
  });

  it('has the batch tried again when no reply comes, and lets nothing overtake it', async () => {
    await connect({ timeout: '200ms' });
    target.nextCodes.push(0);
    const first = enosSink.send(session as EnosSession, [one('inv-01', 1)], never);
    const second = enosSink.send(session as EnosSession, [one('inv-01', 2)], never);
    await expect(first).rejects.toMatchObject({ code: 'SINK_NO_REPLY' });
    await expect(second).rejects.toMatchObject({ code: 'SINK_NO_REPLY' });
    await enosSink.send(session as EnosSession, [one('inv-01', 1)], never);
    await enosSink.send(session as EnosSession, [one('inv-01', 2)], never);
    expect(target.received.map(({ value }) => value)).toEqual([1, 2]);
    expect(host.lost).toEqual([]);
  });

  it.each([429, 503])('keeps the values when EnOS cannot take them now (code %i)', async (code) => {
    await connect();
    target.nextCodes.push(code);
    const sending = enosSink.send(session as EnosSession, [one('inv-01', 1)], never);
    await expect(sending).rejects.toMatchObject({ code: 'SINK_BUSY' });
    expect(await enosSink.send(session as EnosSession, [one('inv-01', 1)], never)).toEqual([]);
    expect(target.received.map(({ value }) => value)).toEqual([1]);
  });

  it('asks for a refused point again only after a while, and reports it meanwhile', async () => {
    await connect();
    target.refuse?.('inv-01', 't0');
    const message = host.message('inv-01', [
      { point: 1, value: 1 },
      { point: 2, value: 2 },
    ]);
    const counts = (list: readonly { count: number }[]) => list.map(({ count }) => count);
    expect(counts(await enosSink.send(session as EnosSession, [message], never))).toEqual([1]);
    const before = posts().length;
    expect(counts(await enosSink.send(session as EnosSession, [message], never))).toEqual([1]);
    expect(posts().length - before).toBe(1);
    expect(target.received.map(({ value }) => value)).toEqual([2, 2]);
  });

  it('sends late values as history', async () => {
    await enosSink.send(await connect(), [{ ...one('inv-01', 1), late: true }], never);
    expect(posts().map(({ topic, envelope }) => [topic, envelope.method])).toEqual([
      ['/sys/pkEdge/site-1/thing/measurepoint/resume/batch', 'thing.measurepoint.resume.batch'],
    ]);
  });

  it('keeps each request below 512 KB', async () => {
    const text = 'x'.repeat(60_000);
    const messages = Array.from({ length: 12 }, (_, i) =>
      host.message('inv-01', [{ point: 11, value: `${i}${text}` }], START_MS + i),
    );
    expect(await enosSink.send(await connect(), messages, never)).toEqual([]);
    expect(target.received).toHaveLength(12);
    for (const { octets } of target.requests) expect(octets).toBeLessThan(512 * 1024);
  });

  it('counts values that EnOS has no word for', async () => {
    const samples = [
      { point: 1, value: Number.NaN },
      { point: 2, value: 2 },
    ];
    expect(await enosSink.send(await connect(), [host.message('inv-01', samples)], never)).toEqual([]);
    expect(host.skipped).toBe(1);
  });

  it('fails a login that gets no reply', async () => {
    target.setAcknowledging(false);
    const config = enosSink.config.parse({ ...target.config, timeout: '200ms' });
    await expect(enosSink.connect(host.context(config), never)).rejects.toMatchObject({ code: 'SINK_NO_REPLY' });
    expect(host.lost).toEqual([]);
    await vi.waitFor(() => expect(target.links).toBe(0), WAIT);
  });
});
