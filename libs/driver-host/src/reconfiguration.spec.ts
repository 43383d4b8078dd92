import { settle } from '@busbar/driver-testkit';
import { describe, expect, it } from 'vitest';
import { connectionConfig, deviceConfig, MemorySite, tableConfig, tagConfig } from './testing/memory-site.js';

const table1 = tableConfig([tagConfig(1)]);
const table2 = tableConfig([tagConfig(1), tagConfig(2)], 'table-2');

describe('a new generation', () => {
  it('leaves what is equal untouched: no reconnect, no extra read, no missed scan', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    await site.time.advance(5_000);
    site.take();
    const reads = site.device.reads.length;
    await site.host.apply([connectionConfig([deviceConfig('d1')])], [tableConfig([tagConfig(1)])], 2);
    await settle();
    expect(site.device.reads.length).toBe(reads);
    await site.time.advance(5_000);
    expect(site.batches.length).toBe(5);
    expect(site.batches.every((batch) => batch.generation === 2)).toBe(true);
    expect(site.device.sessions.length).toBe(1);
    expect(site.state().devices[0]?.lateScans).toBe(0);
  });

  it('changes one device without a reconnect and without touching the others', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)], [deviceConfig('d1'), deviceConfig('d2', { with: { unit: 2 } })]);
    site.take();
    await site.host.apply(
      [connectionConfig([deviceConfig('d1'), deviceConfig('d2', { with: { unit: 2 }, table: 'table-2' })])],
      [table1, table2],
      2,
    );
    await site.time.advance(0);
    expect(site.take().map(({ device, tag }) => `${device}/${tag}`)).toEqual(['d2/1', 'd2/2']);
    expect(site.device.sessions.length).toBe(1);
  });

  it('adds and removes devices, and nothing comes of a removed one any more', async () => {
    const site = new MemorySite();
    let release = (): void => {};
    await site.run([tagConfig(1)]);
    site.device.reading = () =>
      new Promise((resolve) => {
        release = () => resolve(undefined);
      });
    await site.time.advance(1_000);
    site.take();
    await site.host.apply([connectionConfig([deviceConfig('d2', { with: { unit: 2 } })])], [table1], 2);
    site.device.reading = () => undefined;
    release();
    await site.time.advance(3_000);
    expect(new Set(site.take().map((sample) => sample.device))).toEqual(new Set(['d2']));
    expect(site.device.sessions.length).toBe(1);
  });

  it('connects anew when the connection itself changes', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    await site.host.apply([connectionConfig([deviceConfig('d1')], { with: { host: 'b' } })], [table1], 2);
    await site.time.advance(0);
    expect(site.device.sessions.map((session) => session.isClosed)).toEqual([true, false]);
    expect(site.device.context?.connection.host).toBe('b');
  });

  it('stops connections that are not in it, without a word about their tags', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    site.take();
    await site.host.apply([], [], 2);
    await site.time.advance(60_000);
    expect(site.device.openSessions).toBe(0);
    expect(site.take()).toEqual([]);
    expect(site.host.states()).toEqual([]);
  });

  it('runs the rest when one connection or device cannot run, and says why', async () => {
    const site = new MemorySite();
    await site.host.apply(
      [
        connectionConfig([deviceConfig('d1')]),
        connectionConfig([deviceConfig('x')], { id: 'c2', driver: 'none' }),
        connectionConfig([deviceConfig('d3'), deviceConfig('d4', { table: 'nowhere' })], { id: 'c3' }),
        connectionConfig([deviceConfig('d5')], { id: 'c4', with: { unknown: 1 } }),
      ],
      [table1],
      1,
    );
    await site.time.advance(1_000);
    expect(
      new Set(
        site
          .take()
          .filter((one) => one.quality === 'good')
          .map((sample) => sample.device),
      ),
    ).toEqual(new Set(['d1', 'd3']));
    const last = new Map(site.states.map((state) => [state.connection, state]));
    expect(last.get('c2')).toMatchObject({ state: 'stopped', diagnosis: { code: 'CONNECTION_CONFIG' } });
    expect(last.get('c3')).toMatchObject({ state: 'degraded', diagnosis: { code: 'CONNECTION_CONFIG' } });
    expect(last.get('c4')).toMatchObject({ state: 'stopped', diagnosis: { code: 'CONNECTION_CONFIG' } });
  });

  it('does not run a disabled device', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)], [deviceConfig('d1', { enabled: false })]);
    await site.time.advance(5_000);
    expect(site.take()).toEqual([]);
    expect(site.device.sessions).toEqual([]);
    expect(site.state().state).toBe('idle');
  });
});

describe('the end', () => {
  it('closes every session, gives a started write its end and sends none that waits', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    let finish = (): void => {};
    site.device.writing = () =>
      new Promise((resolve) => {
        finish = () => resolve({ outcome: 'done' });
      });
    const started = site.host.write({ connection: 'c1', device: 'd1', tag: 1, value: 1 }, () => true);
    const waiting = site.host.write({ connection: 'c1', device: 'd1', tag: 1, value: 2 }, () => true);
    const stopped = site.host.stop();
    await settle();
    expect(await waiting).toEqual({ outcome: 'not-sent', reason: 'STOPPING' });
    expect(site.device.openSessions).toBe(1);
    finish();
    expect(await started).toEqual({ outcome: 'done' });
    await stopped;
    expect(site.device.openSessions).toBe(0);
    expect(site.time.pendingCount).toBe(0);
    await site.host.stop();
    expect(await site.host.write({ connection: 'c1', device: 'd1', tag: 1, value: 1 }, () => true)).toEqual({
      outcome: 'not-sent',
      reason: 'STOPPING',
    });
  });

  it('waits 5 s for a started write, no longer', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    site.device.writing = () => new Promise(() => {});
    void site.host.write({ connection: 'c1', device: 'd1', tag: 1, value: 1 }, () => true);
    let isStopped = false;
    void site.host.stop().then(() => {
      isStopped = true;
    });
    await site.time.advance(4_900);
    expect(isStopped).toBe(false);
    await site.time.advance(200);
    expect(isStopped).toBe(true);
  });

  it('publishes nothing more, not even that tags are not connected', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    site.take();
    await site.host.stop();
    await site.time.advance(60_000);
    expect(site.take()).toEqual([]);
  });
});
