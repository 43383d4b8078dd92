import { faultOf, settle } from '@busbar/driver-testkit';
import { describe, expect, it } from 'vitest';
import { connectionConfig, deviceConfig, MemorySite, tableConfig, tagConfig } from './testing/memory-site.js';

function never(): Promise<never> {
  return new Promise(() => {});
}

describe('polling', () => {
  it('reads at once after connecting, then at a fixed rate, one batch per device and scan', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1), tagConfig(2), tagConfig(3, { access: 'w' })]);
    expect(site.take()).toEqual([
      { device: 'd1', tag: 1, value: 1, quality: 'good', atMs: site.time.wallMs() },
      { device: 'd1', tag: 2, value: 2, quality: 'good', atMs: site.time.wallMs() },
    ]);
    await site.time.advance(10_000);
    expect(site.batches.length).toBe(10);
    expect(new Set(site.batches.map((batch) => batch.collectedMs % 1000)).size).toBe(1);
    expect(site.batches[0]).toMatchObject({ kind: 'tags', key: 'd1', generation: 1, count: 2 });
  });

  it('has every device at full rate within 3 s of the start', async () => {
    const site = new MemorySite();
    const connections = Array.from({ length: 300 }, (_, i) =>
      connectionConfig([deviceConfig(`d${i}`)], { id: `c${i}` }),
    );
    await site.host.apply(connections, [tableConfig([tagConfig(1)])], 1);
    await site.time.advance(2_000);
    site.take();
    await site.time.advance(1_000);
    expect(new Set(site.take().map((sample) => sample.device)).size).toBe(300);
  });

  it('runs one request at a time on a connection, and skips a late scan instead of stacking it', async () => {
    const site = new MemorySite();
    let open = 0;
    let most = 0;
    site.device.reading = () => {
      most = Math.max(most, ++open);
      return new Promise((resolve) => {
        site.time.after(2_500, () => {
          open--;
          resolve(undefined);
        });
      });
    };
    await site.run([tagConfig(1)], [deviceConfig('d1', { staleScans: 100 }), deviceConfig('d2', { staleScans: 100 })]);
    await site.time.advance(30_000);
    expect(most).toBe(1);
    expect(site.device.reads.length).toBeLessThanOrEqual(13);
    const late = site.state().devices.map((device) => device.lateScans);
    expect(Math.min(...late)).toBeGreaterThan(20);
  });

  it('counts the scans that a standing event loop has cost, and does not catch up', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    await site.time.advance(1_000);
    site.take();
    await site.time.stall(20_000);
    expect(site.take().filter((sample) => sample.quality === 'good').length).toBeLessThanOrEqual(2);
    expect(site.state().devices[0]?.lateScans).toBeGreaterThanOrEqual(18);
  });

  it('reads a start group once per connect, and again when the link was lost', async () => {
    const site = new MemorySite();
    const tags = [tagConfig(1), tagConfig(2, { group: 'once' })];
    await site.run(tags, [deviceConfig('d1', { groups: { fast: 1000, once: 'start' } })]);
    await site.time.advance(5_000);
    expect(site.take().filter((sample) => sample.tag === 2).length).toBe(1);
    const cut = (): never => {
      throw faultOf({ kind: 'connection-lost', reason: 'cut' });
    };
    site.device.reading = cut;
    site.device.connecting = cut;
    await site.time.advance(1_000);
    site.device.connecting = () => {};
    site.device.reading = () => undefined;
    await site.time.advance(3_000);
    const seen = site.take().filter((sample) => sample.tag === 2);
    expect(seen.map((sample) => sample.quality)).toEqual(['bad not-connected', 'good']);
  });

  it('stops reading without a lease, and goes on with one', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    site.isReadLeased = false;
    const before = site.device.reads.length;
    await site.time.advance(2_000);
    expect(site.device.reads.length).toBe(before);
    site.isReadLeased = true;
    await site.time.advance(2_000);
    expect(site.device.reads.length).toBe(before + 2);
  });

  it('turns values uncertain after staleScans scans without a fresh one, and bad after twice as many', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    site.take();
    site.device.reading = never;
    await site.time.advance(2_500);
    expect(site.take()).toEqual([]);
    await site.time.advance(1_500);
    expect(site.take()).toMatchObject([{ tag: 1, value: 1, quality: 'uncertain stale' }]);
    await site.time.advance(3_000);
    expect(site.take()).toMatchObject([{ tag: 1, value: undefined, quality: 'bad stale' }]);
    await site.time.advance(10_000);
    expect(site.take()).toEqual([]);
  });

  it('leaves a busy channel alone for as long as it was told', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    site.device.reading = () => {
      throw faultOf({ kind: 'busy', retryAfterMs: 3_000 });
    };
    await site.time.advance(1_000);
    const before = site.device.reads.length;
    site.device.reading = () => undefined;
    await site.time.advance(2_000);
    expect(site.device.reads.length).toBe(before);
    await site.time.advance(2_000);
    expect(site.device.reads.length).toBeGreaterThan(before);
  });

  it('keeps what a scan has when it ends before its time', async () => {
    const site = new MemorySite();
    site.device.blockSize = 1;
    site.device.reading = (request) => {
      if (request.addresses[0] === 2) throw faultOf({ kind: 'no-answer', timeoutMs: 100, sessionEnded: false });
      return undefined;
    };
    await site.run([tagConfig(1), tagConfig(2)]);
    expect(site.take()).toMatchObject([{ tag: 1, value: 1, quality: 'good' }]);
  });

  it('counts batches that the publisher refuses, says so once, and goes on', async () => {
    const site = new MemorySite();
    site.publish = () => Promise.reject(new Error('full'));
    await site.run([tagConfig(1)]);
    site.publish = () => {
      throw new Error('full');
    };
    await site.time.advance(3_000);
    await settle();
    expect(site.host.figures()).toMatchObject({ batches: 4, values: 4, dropped: 4 });
    expect(site.logs).toEqual(['warn samples were dropped']);
  });
});

describe('a driver that does not keep its word', () => {
  it('makes tags bad that were left without an answer', async () => {
    const site = new MemorySite();
    site.device.reading = () => ({ kind: 'answered' });
    await site.run([tagConfig(1)]);
    expect(site.take()).toMatchObject([{ tag: 1, quality: 'bad device' }]);
    expect(site.logs).toEqual(['warn driver failed']);
  });

  it('closes the link at every third exception that is no fault, and logs the first alone', async () => {
    const site = new MemorySite();
    site.device.reading = () => {
      throw new TypeError('oops');
    };
    await site.run([tagConfig(1)]);
    await site.time.advance(1_500);
    expect(site.device.sessions.length).toBe(1);
    await site.time.advance(3_000);
    expect(site.device.sessions.length).toBe(2);
    expect(site.logs.filter((line) => line === 'warn driver failed').length).toBe(1);
    expect(site.take().filter((sample) => sample.quality === 'good')).toEqual([]);
  });

  it('gives up a request that never ends, and opens another session', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    const hangs = [true];
    site.device.reading = () => (hangs.pop() ? never() : undefined);
    await site.time.advance(80_000);
    expect(site.device.sessions.length).toBeGreaterThan(1);
    expect(site.device.openSessions).toBe(1);
    expect(site.take().at(-1)).toMatchObject({ value: 1, quality: 'good' });
  });

  it('takes no value from an answer that comes after its session was given up', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    let release: (() => void) | null = null;
    site.device.value = () => (release === null ? 1 : 666);
    site.device.reading = () => {
      if (release) return undefined;
      return new Promise((resolve) => {
        release = () => resolve(undefined);
      });
    };
    await site.time.advance(61_500);
    site.device.value = () => 1;
    await site.time.advance(3_000);
    site.take();
    site.device.value = () => 666;
    (release as unknown as () => void)();
    await settle();
    expect(site.take()).toEqual([]);
    expect(site.device.sessions.length).toBe(2);
  });
});

describe('a read that was given up', () => {
  it('cannot reach the next read of the same tags', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    const releases: (() => void)[] = [];
    site.device.reading = () => new Promise((resolve) => releases.push(() => resolve(undefined)));
    for (let i = 0; i < 80 && releases.length < 2; i++) await site.time.advance(1_000);
    site.take();
    site.device.value = () => 666;
    releases[0]?.();
    await settle();
    site.device.value = () => 1;
    releases[1]?.();
    await settle();
    expect(site.take()).toMatchObject([{ tag: 1, value: 1, quality: 'good' }]);
  });
});
