import { ENTITLEMENTS_KEY, type EntitlementsChanged, encodeJson } from '@busbar/events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigurationView } from './configuration-view.js';
import { Entitlements, refusedReport } from './entitlements.js';
import { createLogger } from './log.js';
import { FakeBus } from './testing/fake-bus.js';
import { accessConnection, configurationOf, putAll } from './testing/fake-generation.js';

const log = createLogger('test', 'silent');
const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const license = { id: 'L-1', holder: 'x', key: 'k', notBefore: 0, notAfter: NOW, graceUntil: NOW + HOUR, token: 't' };
const valid: EntitlementsChanged = {
  site: 'demo',
  state: 'valid',
  diagnoses: [],
  license,
  limits: { protocols: null, connections: 1, tags: null, forwarding: 0 },
  admitted: [],
  clockMs: NOW - HOUR,
  clockResets: [],
  at: NOW - HOUR,
};
const meter = { id: 'meter', kind: 'access', protocol: 'modbus', tags: 0 } as const;

function put(bus: FakeBus, record: EntitlementsChanged): void {
  bus.put('entitlements.changed.v1', ENTITLEMENTS_KEY, encodeJson('entitlements.changed.v1', record));
}

async function opened(bus: FakeBus, wallMs = NOW - HOUR) {
  const clock = { wall: wallMs, wallMs: () => clock.wall, monotonicMs: () => 0 };
  const configuration = new ConfigurationView(bus, log);
  const entitlements = new Entitlements({ bus, clock, log, configuration });
  putAll(bus, 1, configurationOf([accessConnection('line'), accessConnection('meter')]));
  await vi.advanceTimersByTimeAsync(100);
  const codes = () => ['line', 'meter'].map((id) => entitlements.admits(id)?.code ?? null);
  return { entitlements, clock, codes };
}

describe('entitlements', () => {
  it('without a record are those of the evaluation, so that a licenser that is away holds nobody up', async () => {
    const { codes, entitlements } = await opened(new FakeBus());
    expect(codes()).toEqual([null, null]);
    expect(entitlements.current).toBeNull();
  });

  it('are not decided before the record, if there is one, is read', async () => {
    const bus = new FakeBus();
    put(bus, valid);
    const configuration = new ConfigurationView(bus, log);
    const entitlements = new Entitlements({
      bus,
      clock: { wallMs: () => NOW, monotonicMs: () => 0 },
      log,
      configuration,
    });
    expect(entitlements.admits('line')).toEqual({ code: 'LICENSE_UNDECIDED', params: { connection: 'line' } });
    await entitlements.ready;
    expect(entitlements.current).toEqual(valid);
  });

  it('refuse what is beyond the limits; who ran before comes first', async () => {
    const bus = new FakeBus();
    put(bus, valid);
    expect((await opened(bus)).codes()).toEqual([null, 'LICENSE_CONNECTIONS']);
    put(bus, { ...valid, admitted: [meter] });
    expect((await opened(bus)).codes()).toEqual(['LICENSE_CONNECTIONS', null]);
  });

  it('tell of a change, and answer by the new record at once', async () => {
    const bus = new FakeBus();
    put(bus, valid);
    const { entitlements, codes } = await opened(bus);
    const heard: unknown[] = [];
    const end = entitlements.onChange(() => heard.push(codes()));
    put(bus, { ...valid, limits: { ...valid.limits, connections: 2 } });
    expect(heard).toEqual([[null, null]]);
    end();
    put(bus, valid);
    expect(heard).toHaveLength(1);
    expect(codes()).toEqual([null, 'LICENSE_CONNECTIONS']);
  });

  it('follow the configuration', async () => {
    const bus = new FakeBus();
    put(bus, valid);
    const { codes } = await opened(bus);
    bus.put('connections.configured.v1', 'line', null);
    putAll(bus, 2, configurationOf([accessConnection('meter')]));
    await vi.advanceTimersByTimeAsync(100);
    expect(codes()[1]).toBeNull();
  });

  it('end by the times in the record although no licenser is there: what ran goes on, what is new is refused', async () => {
    const bus = new FakeBus();
    put(bus, { ...valid, limits: { ...valid.limits, connections: 5 }, admitted: [meter] });
    const { codes, clock } = await opened(bus);
    clock.wall = NOW + HOUR;
    expect(codes()).toEqual([null, null]);
    clock.wall += 1;
    expect(codes()).toEqual(['LICENSE_ENDED', null]);
  });

  it('do not come back when the clock of this machine is behind what the licenser has seen', async () => {
    const bus = new FakeBus();
    const limits = { ...valid.limits, connections: 5 };
    put(bus, { ...valid, state: 'expired', limits, admitted: [meter], clockMs: NOW + HOUR + 1 });
    expect((await opened(bus, NOW - 100 * HOUR)).codes()).toEqual(['LICENSE_ENDED', null]);
  });

  it('stay the last ones when a record cannot be read', async () => {
    const bus = new FakeBus();
    put(bus, valid);
    const { codes } = await opened(bus);
    bus.put('entitlements.changed.v1', ENTITLEMENTS_KEY, new TextEncoder().encode('{"state":"valid"}'));
    expect(codes()).toEqual([null, 'LICENSE_CONNECTIONS']);
  });

  it('are shown as a stopped connection with the reason', () => {
    expect(refusedReport({ code: 'LICENSE_ENDED', params: { connection: 'line', license: undefined } }, 7)).toEqual({
      state: 'stopped',
      since: 7,
      diagnosis: { code: 'LICENSE_ENDED', params: { connection: 'line', license: null } },
      scanLoad: null,
      devices: [],
      sink: null,
    });
  });
});
