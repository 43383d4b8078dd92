import { type ConnectionChanged, decodeJson, encodeJson } from '@busbar/events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigurationView } from './configuration-view.js';
import { createLogger } from './log.js';
import { type ConnectionReport, type ConnectionRunner, OwnedConnections } from './owned-connections.js';
import { FakeBus, type FakeOwnership } from './testing/fake-bus.js';
import { accessConnection, configurationOf, putAll, putGeneration } from './testing/fake-generation.js';

const log = createLogger('test', 'silent');
const TOPIC = 'connections.changed.v1';

/** Keeps what it was told, in order; a release ends when the test lets it. */
class FakeRunner implements ConnectionRunner {
  readonly calls: string[] = [];
  readonly epochs = new Map<string, string>();
  ready: Promise<void> = Promise.resolve();
  holdReleases = false;
  releaseError: Error | null = null;
  readonly #releases: (() => void)[] = [];

  wants({ kind }: { readonly kind: string }): boolean {
    return kind === 'access';
  }

  take(id: string, epoch: string): void {
    this.calls.push(`take ${id}`);
    this.epochs.set(id, epoch);
  }

  async release(id: string): Promise<void> {
    this.calls.push(`release ${id}`);
    if (this.releaseError) throw this.releaseError;
    if (this.holdReleases) await new Promise<void>((resolve) => this.#releases.push(resolve));
  }

  apply({ number }: { readonly number: number }): void {
    this.calls.push(`apply ${number}`);
  }

  letGo(): void {
    for (const release of this.#releases.splice(0)) release();
  }
}

interface Bench {
  readonly bus: FakeBus;
  readonly runner: FakeRunner;
  readonly owned: OwnedConnections;
  readonly ownership: FakeOwnership;
}

/** All timers and both clocks are fake; one connection `line` and one `meter` in generation 1. */
async function bench(before: (bus: FakeBus, runner: FakeRunner) => void = () => undefined): Promise<Bench> {
  const bus = new FakeBus();
  const runner = new FakeRunner();
  putAll(bus, 1, configurationOf([accessConnection('line'), accessConnection('meter')]));
  before(bus, runner);
  const clock = { monotonicMs: () => Date.now(), wallMs: () => Date.now() };
  const configuration = new ConfigurationView(bus, log);
  const parts = { bus, clock, log, configuration, runner };
  const owned = new OwnedConnections({ ...parts, service: 'collector', group: 'collector.all', kind: 'access' });
  await vi.advanceTimersByTimeAsync(50);
  return { bus, runner, owned, ownership: bus.ownerships[0] as FakeOwnership };
}

function record(connection: string, owner: Pick<ConnectionChanged, 'member' | 'epoch'>): ConnectionChanged {
  const health = { state: 'active' as const, since: 0, diagnosis: null, scanLoad: null, devices: [], sink: null };
  return { connection, kind: 'access', service: 'collector', ...owner, generation: 1, ...health, at: 0 };
}

function putOwner(bus: FakeBus, connection: string, owner: Pick<ConnectionChanged, 'member' | 'epoch'>): void {
  bus.put(TOPIC, connection, encodeJson(TOPIC, record(connection, owner)));
}

/** What this process published of a connection; null for a tombstone. */
function said(bus: FakeBus, connection: string): (ConnectionChanged | null)[] {
  return bus.published
    .filter((each) => each.topic === TOPIC && each.key === connection)
    .map(({ value }) => (value ? decodeJson(TOPIC, value) : null));
}

const report: ConnectionReport = {
  state: 'active',
  since: 1,
  diagnosis: null,
  scanLoad: 0.1,
  devices: [],
  sink: null,
};
const removed = { 'connections.configured/access': ['meter'] };
const withoutMeter = configurationOf([accessConnection('line')]);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function pass(ms: number): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(ms);
}

describe('taking a connection', () => {
  it('comes at once when nobody had it, after its configuration, and is announced with an epoch', async () => {
    const { bus, runner, owned, ownership } = await bench();
    ownership.give('line');
    await pass(0);
    expect(runner.calls).toEqual(['apply 1', 'take line']);
    expect(said(bus, 'line')).toMatchObject([{ member: 'me', epoch: runner.epochs.get('line'), state: 'starting' }]);
    expect(owned.epochOf('line')).toBe(runner.epochs.get('line'));
    expect(owned.epochOf('meter')).toBeNull();
  });

  it('waits for a configuration', async () => {
    const { bus, runner, ownership } = await bench((empty) =>
      empty.put('configuration.published.v1', '@generation', null),
    );
    ownership.give('line');
    await pass(10_000);
    expect(runner.calls).toEqual([]);
    putAll(bus, 1, configurationOf([accessConnection('line'), accessConnection('meter')]));
    await pass(50);
    expect(runner.calls).toEqual(['apply 1', 'take line']);
  });

  it('waits until the reader of grants stands at the end', async () => {
    let ready: () => void = () => undefined;
    const { bus, runner, ownership } = await bench((_bus, fake) => {
      fake.ready = new Promise((resolve) => {
        ready = resolve;
      });
    });
    ownership.give('line');
    await pass(10_000);
    expect(said(bus, 'line')).toEqual([]);
    ready();
    await pass(0);
    expect(runner.calls).toContain('take line');
  });

  it('comes at once when the last owner signed off', async () => {
    const { runner, ownership } = await bench((bus) => putOwner(bus, 'line', { member: 'other', epoch: null }));
    ownership.give('line');
    await pass(0);
    expect(runner.calls).toContain('take line');
    expect(ownership.asked).toEqual([]);
  });

  it('comes at once when the last owner was this member', async () => {
    const { runner, ownership } = await bench((bus) => putOwner(bus, 'line', { member: 'me', epoch: 'e' }));
    ownership.give('line');
    await pass(0);
    expect(runner.calls).toContain('take line');
  });

  it('comes at once when the last owner is certainly gone from the group', async () => {
    const { runner, ownership } = await bench((bus) => putOwner(bus, 'line', { member: 'other', epoch: 'e' }));
    ownership.gone = true;
    ownership.give('line');
    await pass(0);
    expect(ownership.asked).toEqual(['other']);
    expect(runner.calls).toContain('take line');
  });

  it('waits for the sign-off of one that is still there', async () => {
    const { bus, runner, ownership } = await bench((before) =>
      putOwner(before, 'line', { member: 'other', epoch: 'e' }),
    );
    ownership.give('line');
    await pass(2000);
    putOwner(bus, 'line', { member: 'other', epoch: 'e' });
    putOwner(bus, 'meter', { member: 'other', epoch: null });
    await pass(2000);
    expect(runner.calls).not.toContain('take line');
    putOwner(bus, 'line', { member: 'other', epoch: null });
    await pass(0);
    expect(runner.calls).toContain('take line');
  });

  it.each([
    ['the owner says nothing', false],
    ['the group cannot be asked', new Error('no answer')],
  ])('waits 5 s at most: %s', async (_why, gone) => {
    const { runner, ownership } = await bench((bus) => putOwner(bus, 'line', { member: 'other', epoch: 'e' }));
    ownership.gone = gone;
    ownership.give('line');
    await pass(4999);
    expect(runner.calls).not.toContain('take line');
    await pass(1);
    expect(runner.calls).toContain('take line');
  });

  it('waits the 5 s when the last record does not say who has it', async () => {
    const { runner, ownership } = await bench((bus) => bus.put(TOPIC, 'line', new Uint8Array([1])));
    ownership.gone = true;
    ownership.give('line');
    await pass(4999);
    expect(runner.calls).not.toContain('take line');
    await pass(1);
    expect(runner.calls).toContain('take line');
  });

  it('does not come when the connection was lost while waiting', async () => {
    const { bus, runner, ownership } = await bench((before) =>
      putOwner(before, 'line', { member: 'other', epoch: 'e' }),
    );
    ownership.give('line');
    await pass(1000);
    await ownership.withdraw('line');
    await pass(10_000);
    expect(runner.calls).toEqual(['apply 1']);
    expect(said(bus, 'line')).toEqual([]);
  });

  it('happens once though the connection was lost and gained while waiting', async () => {
    const { runner, ownership } = await bench((bus) => putOwner(bus, 'line', { member: 'other', epoch: 'e' }));
    ownership.give('line');
    await pass(1000);
    await ownership.withdraw('line');
    ownership.give('line');
    await pass(20_000);
    expect(runner.calls.filter((call) => call === 'take line')).toHaveLength(1);
  });
});

describe('leaving a connection', () => {
  it('ends what is under way, then signs off, then lets the group go on', async () => {
    const { bus, runner, owned, ownership } = await bench();
    ownership.give('line');
    await pass(0);
    runner.holdReleases = true;
    const lost = ownership.withdraw('line').then(() => runner.calls.push('the group goes on'));
    await pass(1000);
    expect(runner.calls.at(-1)).toBe('release line');
    expect(said(bus, 'line').at(-1)?.epoch).not.toBeNull();
    expect(owned.epochOf('line')).toBeNull();
    runner.letGo();
    await lost;
    expect(said(bus, 'line').at(-1)).toMatchObject({ epoch: null, state: 'stopped', member: 'me' });
    expect(runner.calls.at(-1)).toBe('the group goes on');
  });

  it('keeps the others', async () => {
    const { runner, owned, ownership } = await bench();
    ownership.give('line', 'meter');
    await pass(0);
    await ownership.withdraw('line');
    expect(owned.epochOf('line')).toBeNull();
    expect(owned.epochOf('meter')).toBe(runner.epochs.get('meter'));
  });

  it('gets a new epoch when it comes back', async () => {
    const { runner, ownership } = await bench();
    ownership.give('line');
    await pass(0);
    const before = runner.epochs.get('line');
    await ownership.withdraw('line');
    ownership.give('line');
    await pass(0);
    expect(runner.calls.filter((call) => call === 'take line')).toHaveLength(2);
    expect(runner.epochs.get('line')).not.toBe(before);
  });

  it('comes back only after it has left when it returns meanwhile', async () => {
    const { runner, ownership } = await bench();
    ownership.give('line');
    await pass(0);
    runner.holdReleases = true;
    const lost = ownership.withdraw('line');
    ownership.give('line');
    await pass(1000);
    expect(runner.calls.at(-1)).toBe('release line');
    runner.letGo();
    await lost;
    await pass(0);
    expect(runner.calls.at(-1)).toBe('take line');
  });

  it('is waited for by the group and by the stop though it began before', async () => {
    const { bus, runner, owned, ownership } = await bench();
    ownership.give('line', 'meter');
    await pass(0);
    runner.holdReleases = true;
    putGeneration(bus, 2, { configuration: withoutMeter, removed });
    await pass(50);
    expect(runner.calls.at(-1)).toBe('release meter');
    const ended: string[] = [];
    const lost = ownership.withdraw('meter').then(() => ended.push('lost'));
    const stopped = owned.stop().then(() => ended.push('stopped'));
    await pass(1000);
    expect(ended).toEqual([]);
    runner.letGo();
    await Promise.all([lost, stopped]);
    expect(runner.calls.filter((call) => call === 'release meter')).toHaveLength(1);
  });

  it('writes a tombstone for a connection that is no more', async () => {
    const { bus, runner, owned, ownership } = await bench();
    ownership.give('line', 'meter');
    await pass(0);
    putGeneration(bus, 2, { configuration: withoutMeter, removed });
    await pass(50);
    expect(runner.calls).toContain('release meter');
    expect(said(bus, 'meter').at(-1)).toBeNull();
    expect(owned.epochOf('meter')).toBeNull();
    expect(owned.epochOf('line')).not.toBeNull();
  });

  it('does not sign off what was not released in order, and goes on', async () => {
    const { bus, runner, ownership } = await bench();
    ownership.give('line');
    await pass(0);
    runner.releaseError = new Error('a defect');
    await ownership.withdraw('line');
    expect(said(bus, 'line').at(-1)?.epoch).toBe(runner.epochs.get('line'));
    runner.releaseError = null;
    ownership.give('line');
    await pass(0);
    expect(runner.calls.at(-1)).toBe('take line');
  });

  it('at the stop signs everything off, then leaves the group', async () => {
    const { bus, owned, ownership } = await bench();
    ownership.give('line', 'meter');
    await pass(0);
    await owned.stop();
    for (const id of ['line', 'meter']) expect(said(bus, id).at(-1)).toMatchObject({ epoch: null, state: 'stopped' });
    expect(ownership.hasLeft).toBe(true);
    ownership.give('line');
    await pass(20_000);
    expect(owned.epochOf('line')).toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends though the sign-off cannot be published', async () => {
    const { bus, owned, ownership } = await bench();
    ownership.give('line');
    await pass(0);
    bus.publishError = new Error('away');
    await owned.stop();
    expect(ownership.hasLeft).toBe(true);
  });
});

describe('health of a connection', () => {
  async function taken(): Promise<Bench> {
    const ready = await bench();
    ready.ownership.give('line');
    await pass(0);
    ready.owned.report('line', report);
    return ready;
  }

  it('is published at once when the state changes', async () => {
    const { bus, owned } = await taken();
    expect(said(bus, 'line').map((each) => each?.state)).toEqual(['starting', 'active']);
    owned.report('line', { ...report, state: 'degraded', diagnosis: { code: 'DEVICE_SILENT', params: {} } });
    expect(said(bus, 'line')).toHaveLength(3);
  });

  it('is published at once when one device changes', async () => {
    const { bus, owned } = await taken();
    const device = { id: 'd', since: 0, diagnosis: null, lastAnswerAt: null, tags: 1, tagsGood: 1, lateScans: 0 };
    owned.report('line', { ...report, devices: [{ ...device, state: 'active' }] });
    owned.report('line', { ...report, devices: [{ ...device, state: 'degraded' }] });
    expect(said(bus, 'line')).toHaveLength(4);
  });

  it('with other counters alone is published every 10 s, the newest', async () => {
    const { bus, owned } = await taken();
    for (let load = 1; load <= 9; load++) {
      owned.report('line', { ...report, scanLoad: load / 10 });
      await pass(1000);
    }
    expect(said(bus, 'line')).toHaveLength(2);
    await pass(1000);
    expect(said(bus, 'line')).toHaveLength(3);
    expect(said(bus, 'line').at(-1)?.scanLoad).toBe(0.9);
  });

  it('names the generation that is applied', async () => {
    const { bus } = await taken();
    putAll(bus, 2, configurationOf([accessConnection('line', 'Other'), accessConnection('meter')]));
    await pass(50);
    expect(said(bus, 'line').at(-1)).toMatchObject({ generation: 2, state: 'active' });
  });

  it('of a connection that is not ours is not published', async () => {
    const { bus, owned, ownership } = await taken();
    owned.report('meter', report);
    await ownership.withdraw('line');
    owned.report('line', report);
    await pass(20_000);
    expect(said(bus, 'meter')).toEqual([]);
    expect(said(bus, 'line').at(-1)?.epoch).toBeNull();
  });

  it('that cannot be published does not end the process', async () => {
    const { bus, owned } = await taken();
    bus.publishError = new Error('away');
    owned.report('line', { ...report, state: 'degraded' });
    await pass(0);
    bus.publishError = null;
    owned.report('line', report);
    expect(said(bus, 'line').at(-1)?.state).toBe('active');
  });
});
