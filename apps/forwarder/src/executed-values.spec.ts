import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, openEmbeddedBus } from '@busbar/bus';
import { type ControlValue, type End, type Executed, encodeJson, type Grant, type ItemResult } from '@busbar/events';
import { uncertain } from '@busbar/model';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ExecutedValue, ExecutedValues } from './executed-values.js';

const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
const quiet = () => undefined;
const log = { info: quiet, warn: quiet, error: quiet, debug: quiet, child: () => log } as never;
const EXECUTED: End = { kind: 'executed', verified: false, written: true, clamped: false };
const WRITTEN = uncertain('substituted');
const STALE = uncertain('stale');

let folder: string;
let bus: Bus;
let values: ExecutedValues;
let seen: ExecutedValue[];
let failures: unknown[];

function following(): ExecutedValues {
  [seen, failures] = [[], []];
  return new ExecutedValues({
    bus,
    hasAny: () => true,
    isWanted: (path) => path !== 'a/read',
    put: (value) => void seen.push(value),
    failed: (error) => void failures.push(error),
  });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-executed-'));
  bus = await openEmbeddedBus({ folder, clock, log });
  await bus.ensureTopics(['control.granted.v1', 'control.executed.v1']);
  values = following();
});

afterEach(async () => {
  await values.stop();
  await bus.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Asked {
  readonly id: string;
  readonly items: readonly (readonly [point: string, value: ControlValue])[];
  readonly more?: Partial<Grant['request']>;
}

async function grant({ id, items, more }: Asked): Promise<void> {
  const deadline = { wallMs: 0, monotonicMs: 0, bootId: 'b' };
  const request: Grant['request'] = {
    id,
    act: 'operate',
    origin: { source: 'operator', kind: 'operator', category: 2, who: 'eve', link: 'l' },
    items: items.map(([point, value]) => ({ point, value })),
    dryRun: false,
    requestedAt: 1,
    decideBy: deadline,
    expiresAt: deadline,
    ...more,
  };
  const value: Grant = {
    request,
    executor: { connection: 'c', epoch: 'e' },
    term: 1,
    generation: 1,
    permitUntil: deadline,
    grantedAt: 2,
    writes: [],
  };
  await bus.publish([{ topic: 'control.granted.v1', key: 'c', value: encodeJson('control.granted.v1', value) }]);
}

async function end(id: string, items: readonly ItemResult[], kind: End = EXECUTED): Promise<void> {
  const value: Executed = { kind: 'ended', id, connection: 'c', end: kind, items: [...items], late: false, at: 7 };
  await bus.publish([{ topic: 'control.executed.v1', key: id, value: encodeJson('control.executed.v1', value) }]);
}

describe('a point without feedback', () => {
  it('shows what was executed, and when', async () => {
    await values.start(clock.wallMs());
    await grant({
      id: '1',
      items: [
        ['a/limit', 40],
        ['a/read', 3],
      ],
    });
    expect(seen).toEqual([]);
    await end('1', [
      { point: 'a/limit', outcome: 'executed' },
      { point: 'a/read', outcome: 'executed' },
    ]);
    await vi.waitFor(() => expect(seen).toEqual([{ path: 'a/limit', value: 40, timeMs: 7, quality: WRITTEN }]));
    expect(failures).toEqual([]);
  });

  it('never shows what was only wished, and of several writes those alone that were carried out', async () => {
    await values.start(clock.wallMs());
    await grant({ id: 'dry', items: [['a/limit', 1]], more: { dryRun: true } });
    await end('dry', [{ point: 'a/limit', outcome: 'executed' }]);
    await grant({ id: 'select', items: [['a/limit', 2]], more: { act: 'select' } });
    await end('select', [{ point: 'a/limit', outcome: 'executed' }]);
    await grant({ id: 'refused', items: [['a/limit', 3]] });
    await end('refused', [{ point: 'a/limit', outcome: 'failed' }], {
      kind: 'failed',
      effect: 'none',
      reason: 'DEVICE_REFUSED',
    });
    await grant({
      id: 'half',
      items: [
        ['a/first', 4],
        ['a/second', 5],
        ['a/third', 6],
      ],
    });
    await end(
      'half',
      [
        { point: 'a/first', outcome: 'executed' },
        { point: 'a/second', outcome: 'failed' },
        { point: 'a/third', outcome: 'not-started' },
      ],
      { kind: 'failed', effect: 'none', reason: 'DEVICE_REFUSED' },
    );
    await vi.waitFor(() => expect(seen.map(({ path, value }) => [path, value])).toEqual([['a/first', 4]]));
  });

  it('is stale when nobody knows what became of a command', async () => {
    await values.start(clock.wallMs());
    await grant({ id: '1', items: [['a/limit', 40]] });
    await end('1', [{ point: 'a/limit', outcome: 'unknown' }], { kind: 'unknown', reason: 'NO_ANSWER' });
    await vi.waitFor(() => expect(seen).toEqual([{ path: 'a/limit', value: null, timeMs: 7, quality: STALE }]));
  });

  it('has after a start what was executed before it, as something that nobody has seen since', async () => {
    await grant({ id: '1', items: [['a/limit', 40]] });
    await end('1', [{ point: 'a/limit', outcome: 'executed' }]);
    await grant({ id: '2', items: [['a/limit', true]] });
    await end('2', [{ point: 'a/limit', outcome: 'executed' }]);
    await values.start(clock.wallMs() + 1);
    expect(seen.map(({ value, quality }) => [value, quality])).toEqual([
      [40, STALE],
      [true, STALE],
    ]);
  });
});
