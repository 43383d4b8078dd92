import { faultOf } from '@busbar/driver-testkit';
import { describe, expect, it } from 'vitest';
import { deviceConfig, MemorySite, tagConfig } from './testing/memory-site.js';

const cut = () => {
  throw faultOf({ kind: 'connection-lost', reason: 'cut', target: 'plc:502', how: 'closed' });
};
const silent = (sessionEnded: boolean) => () => {
  throw faultOf({ kind: 'no-answer', timeoutMs: 100, sessionEnded });
};

describe('errors', () => {
  it('are told by connection and kind, once each', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    expect(site.errors).toEqual([]);
    site.device.reading = silent(false);
    await site.time.advance(1_000);
    expect(new Set(site.errors)).toEqual(new Set([`${site.state().connection} no-answer`]));
    site.errors.length = 0;
    site.device.reading = cut;
    site.device.connecting = cut;
    await site.time.advance(10_000);
    expect(site.errors.length).toBeGreaterThan(2);
    expect(new Set(site.errors)).toEqual(new Set([`${site.state().connection} connection-lost`]));
  });
});

describe('a lost link', () => {
  it('makes every tag bad not-connected once, and says so again every 30 s', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1), tagConfig(2)]);
    site.take();
    site.device.reading = cut;
    site.device.connecting = cut;
    await site.time.advance(29_000);
    expect(site.take().map(({ tag, quality }) => ({ tag, quality }))).toEqual([
      { tag: 1, quality: 'bad not-connected' },
      { tag: 2, quality: 'bad not-connected' },
    ]);
    await site.time.advance(59_000);
    expect(site.take().length).toBe(4);
  });

  it('is tried again after growing pauses, up to 30 s, and told once when it goes and once when it is back', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    const attempts: number[] = [];
    site.device.reading = cut;
    site.device.connecting = () => {
      attempts.push(site.time.monotonicMs());
      cut();
    };
    await site.time.advance(300_000);
    const pauses = attempts.slice(1).map((at, i) => at - (attempts[i] as number));
    expect(pauses.slice(0, 8)).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12800]);
    expect(Math.max(...pauses)).toBe(30_000);
    site.device.connecting = () => {};
    site.device.reading = () => undefined;
    site.take();
    await site.time.advance(31_000);
    expect(site.take().at(-1)).toMatchObject({ value: 1, quality: 'good' });
    expect(site.logs).toEqual(['warn connection lost', 'info connection recovered']);
  });

  it('does not take a link for well that opens and never answers', async () => {
    const site = new MemorySite();
    site.device.reading = cut;
    await site.run([tagConfig(1)]);
    await site.time.advance(60_000);
    expect(site.device.sessions.length).toBeLessThan(15);
    expect(site.logs).toEqual(['warn connection lost']);
  });

  it('is none when a device only closes the session, even after each answer: the scan goes on where it was', async () => {
    const site = new MemorySite();
    site.device.blockSize = 1;
    let isUsed = false;
    site.device.connecting = () => {
      isUsed = false;
    };
    site.device.reading = () => {
      if (isUsed) cut();
      isUsed = true;
      return undefined;
    };
    await site.run([tagConfig(1), tagConfig(2), tagConfig(3)]);
    await site.time.advance(5_000);
    expect(site.batches.length).toBe(6);
    const seen = site.take();
    expect(seen.length).toBe(18);
    expect(seen.every((sample) => sample.quality === 'good' && sample.value === sample.tag)).toBe(true);
    expect(site.device.openSessions).toBe(1);
    expect(site.logs).toEqual([]);
  });

  it('shows state, diagnosis and fix', async () => {
    const site = new MemorySite();
    site.device.connecting = () => {
      throw faultOf({ kind: 'connection-lost', reason: 'no', target: 'plc:502', how: 'refused' });
    };
    await site.run([tagConfig(1)]);
    expect(site.states.at(-1)).toMatchObject({
      connection: 'c1',
      kind: 'access',
      state: 'degraded',
      diagnosis: { code: 'CONNECTION_REFUSED', params: { target: 'plc:502' } },
      devices: [{ id: 'd1', state: 'degraded', tags: 1, tagsGood: 0, lastAnswerAt: null }],
    });
    site.device.connecting = () => {};
    await site.time.advance(2_000);
    expect(site.states.at(-1)).toMatchObject({ state: 'active', diagnosis: null, devices: [{ state: 'active' }] });
  });

  it.each([
    [{ kind: 'access-denied', reason: 'no' }, 'CONNECTION_DENIED'],
    [{ kind: 'invalid-config', field: 'host', reason: 'no' }, 'CONNECTION_CONFIG'],
  ] as const)('stays stopped after %o until the configuration changes', async (fault, code) => {
    const site = new MemorySite();
    let attempts = 0;
    site.device.connecting = () => {
      attempts++;
      throw faultOf(fault);
    };
    await site.run([tagConfig(1)]);
    await site.time.advance(600_000);
    expect(attempts).toBe(1);
    expect(site.state()).toMatchObject({ state: 'stopped', diagnosis: { code } });
    site.device.connecting = () => {};
    await site.run([tagConfig(1)], [deviceConfig('d1')], { with: { host: 'other' } });
    await site.time.advance(1_000);
    expect(site.state().state).toBe('active');
  });
});

describe('a dead device', () => {
  it('costs its link one time-out per pause, growing to a minute, and the others nothing', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)], [deviceConfig('d1'), deviceConfig('d2', { with: { unit: 2 } })]);
    const asked: number[] = [];
    site.device.reading = (request) => {
      if (request.unit !== 2) return undefined;
      asked.push(site.time.monotonicMs());
      return silent(true)();
    };
    site.take();
    await site.time.advance(600_000);
    const pauses = asked.slice(1).map((at, i) => at - (asked[i] as number));
    expect(pauses.slice(0, 8)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
    expect(Math.max(...pauses)).toBe(60_000);
    const seen = site.take();
    expect(seen.filter((sample) => sample.device === 'd1' && sample.quality === 'good').length).toBe(600);
    expect(seen.filter((sample) => sample.device === 'd1' && sample.quality !== 'good')).toEqual([]);
    expect(seen.filter((sample) => sample.device === 'd2')[0]?.quality).toBe('bad not-connected');
    expect(site.state()).toMatchObject({ state: 'degraded', diagnosis: { code: 'DEVICE_SILENT' } });
    expect(site.device.openSessions).toBe(1);
  });

  it('takes at most a tenth of the time of the others from them once it is given up', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)], [deviceConfig('d1'), deviceConfig('d2', { with: { unit: 2 } })]);
    const asked: number[] = [];
    site.device.reading = async (request) => {
      if (request.unit !== 2) return undefined;
      asked.push(site.time.monotonicMs());
      await new Promise<void>((resolve) => site.time.after(1_000, resolve));
      throw faultOf({ kind: 'no-answer', timeoutMs: 1_000, sessionEnded: false });
    };
    await site.time.advance(60_000);
    const pauses = asked.slice(1).map((at, i) => at - (asked[i] as number));
    expect(pauses[0]).toBe(1_500);
    expect(Math.min(...pauses.slice(1))).toBe(10_000);
  });

  it('is read at full rate again as soon as it answers, and told once', async () => {
    const site = new MemorySite();
    const devices = [deviceConfig('d1'), deviceConfig('d2', { with: { unit: 2 } })];
    await site.run([tagConfig(1)], devices);
    site.device.reading = (request) => (request.unit === 2 ? silent(false)() : undefined);
    await site.time.advance(20_000);
    site.device.reading = () => undefined;
    await site.time.advance(20_000);
    site.take();
    await site.time.advance(5_000);
    expect(site.take().filter((sample) => sample.device === 'd2').length).toBe(5);
    expect(site.state()).toMatchObject({ state: 'active', diagnosis: null });
    expect(site.logs).toEqual(['warn device does not answer', 'info device answers again']);
  });

  it('keeps its values through a single lost answer', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    let lost = 1;
    site.device.reading = () => (lost-- > 0 ? silent(true)() : undefined);
    site.take();
    await site.time.advance(5_000);
    const seen = site.take();
    expect(seen.length).toBeGreaterThanOrEqual(4);
    expect(seen.every((sample) => sample.quality === 'good')).toBe(true);
    expect(site.logs).toEqual([]);
  });
});

describe('addresses that the device refuses', () => {
  const refuse = (addresses: number[]) => (request: { addresses: readonly number[] }) =>
    request.addresses.some((address) => addresses.includes(address))
      ? ({ kind: 'refused', reason: 'illegal data address' } as const)
      : undefined;

  it('cost no other tag of their block, and are left out afterwards', async () => {
    const site = new MemorySite();
    site.device.reading = refuse([7, 40]);
    await site.run(Array.from({ length: 60 }, (_, i) => tagConfig(i + 1)));
    const first = site.take();
    expect(first.filter((sample) => sample.quality === 'good').length).toBe(58);
    expect(first.filter((sample) => sample.quality === 'bad refused-address').map((sample) => sample.tag)).toEqual([
      7, 40,
    ]);
    expect(first.every((sample) => sample.quality !== 'good' || sample.value === sample.tag)).toBe(true);
    site.device.reads.length = 0;
    await site.time.advance(5_000);
    expect(site.device.reads.flatMap((request) => request.addresses)).not.toContain(7);
    expect(site.state().devices[0]).toMatchObject({ diagnosis: { code: 'DEVICE_EXCEPTION' }, tagsGood: 58 });
  });

  it('are tried again after 10 minutes', async () => {
    const site = new MemorySite();
    site.device.reading = refuse([7]);
    await site.run(Array.from({ length: 10 }, (_, i) => tagConfig(i + 1)));
    site.device.reading = () => undefined;
    await site.time.advance(590_000);
    site.take();
    await site.time.advance(20_000);
    expect(
      site
        .take()
        .filter((sample) => sample.tag === 7)
        .at(-1),
    ).toMatchObject({ value: 7, quality: 'good' });
  });

  it('are tried again after a reconnect, but not at every one of a flapping link', async () => {
    const site = new MemorySite();
    site.device.reading = refuse([7]);
    await site.run(Array.from({ length: 10 }, (_, i) => tagConfig(i + 1)));
    site.device.reading = () => undefined;
    await site.time.advance(70_000);
    let cuts = 1;
    site.device.reading = () => (cuts-- > 0 ? cut() : undefined);
    await site.time.advance(5_000);
    expect(
      site
        .take()
        .filter((sample) => sample.tag === 7)
        .at(-1),
    ).toMatchObject({ value: 7, quality: 'good' });
  });

  it('are told again every 30 s', async () => {
    const site = new MemorySite();
    site.device.reading = refuse([1]);
    await site.run([tagConfig(1), tagConfig(2)]);
    site.take();
    await site.time.advance(95_000);
    expect(site.take().filter((sample) => sample.tag === 1).length).toBeLessThanOrEqual(4);
  });

  it('leave a tag bad whose read alone is refused', async () => {
    const site = new MemorySite();
    site.device.reading = refuse([1]);
    await site.run([tagConfig(1)]);
    expect(site.take()).toMatchObject([{ tag: 1, quality: 'bad refused-address' }]);
    await site.time.advance(5_000);
    expect(site.device.reads.length).toBe(1);
  });
});

describe('the state of a connection', () => {
  it('is told again within 3 s when another number of tags is good', async () => {
    const site = new MemorySite();
    await site.run(
      [tagConfig(1), tagConfig(2, { group: 'slow' })],
      [deviceConfig('d1', { groups: { fast: 1000, slow: 5000 } })],
    );
    await site.time.advance(9_000);
    expect(site.states.at(-1)).toMatchObject({ state: 'active', devices: [{ tags: 2, tagsGood: 2 }] });
    expect(site.states.at(-1)?.scanLoad).not.toBeNull();
  });

  it('is told each 30 s while nothing changes', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    await site.time.advance(10_000);
    const told = site.states.length;
    await site.time.advance(60_000);
    expect(site.states.length - told).toBe(2);
  });
});
