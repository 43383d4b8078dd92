import 'reflect-metadata';
import type { ControlEvent, Effect } from '@busbar/arbitration';
import type { ControlRequest, End } from '@busbar/events';
import { Registry } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { ArbiterMetrics } from './arbiter-metrics.js';

const deadline = { bootId: 'boot', monotonicMs: 0, wallMs: 0 };
const request = (id: string): ControlRequest => ({
  id,
  act: 'operate',
  origin: { source: 'operator', kind: 'operator', category: 2, who: 'me', link: 'api' },
  items: [{ point: 'a/b', value: 1 }],
  dryRun: false,
  requestedAt: 1000,
  decideBy: deadline,
  expiresAt: deadline,
});

function granted(id: string, grantedAt: number): Effect {
  const executor = { connection: 'plc', epoch: 'e1' };
  const grant = {
    request: request(id),
    executor,
    term: 1,
    generation: 1,
    permitUntil: deadline,
    grantedAt,
    writes: [],
  };
  return { kind: 'grant', grant };
}

function ended(id: string, end: End, at: number): ControlEvent {
  const executed = { kind: 'ended' as const, id, connection: 'plc', epoch: 'e1', end, items: [], late: false, at };
  return { kind: 'executed', executed };
}

const DONE: End = { kind: 'executed', verified: true, written: true, clamped: false };
const TICK: ControlEvent = { kind: 'tick' };

let registry: Registry;
let metrics: ArbiterMetrics;

beforeEach(() => {
  registry = new Registry();
  metrics = new ArbiterMetrics(registry);
});

describe('figures of control', () => {
  it('have every end at 0 before it happens', async () => {
    const text = await registry.metrics();
    expect(text).toContain('arbiter_ends_total{end="unknown",reason="LINK_LOST"} 0');
    expect(text).toContain('arbiter_ends_total{end="refused",reason="RANGE"} 0');
    expect(text).toContain('arbiter_ends_total{end="executed",reason=""} 0');
  });

  it('count an end by the executor once, with the time from the entry to it', async () => {
    metrics.decided({ kind: 'requested', request: request('r1') }, [granted('r1', 1020)]);
    metrics.decided(ended('r1', DONE, 1500), []);
    const text = await registry.metrics();
    expect(text).toContain('arbiter_grants_total 1');
    expect(text).toContain('arbiter_decision_seconds_sum 0.02');
    expect(text).toContain('arbiter_ends_total{end="executed",reason=""} 1');
    expect(text).toContain('arbiter_end_seconds_sum 0.5');
  });

  it('count no end that came too late', async () => {
    metrics.decided(ended('r1', DONE, 1500), [{ kind: 'noted', id: 'r1', note: 'late' }]);
    expect(await registry.metrics()).toContain('arbiter_ends_total{end="executed",reason=""} 0');
  });

  it('count a refusal by its rule, as a decision', async () => {
    const end: End = { kind: 'refused', rule: 'RANGE', also: [], facts: [] };
    const effect: Effect = { kind: 'refused', refused: { request: request('r1'), end, at: 1010 } };
    metrics.decided({ kind: 'requested', request: request('r1') }, [effect]);
    const text = await registry.metrics();
    expect(text).toContain('arbiter_ends_total{end="refused",reason="RANGE"} 1');
    expect(text).toContain('arbiter_decision_seconds_count 1');
    expect(text).toContain('arbiter_end_seconds_count 0');
  });

  it('count an end that the arbiter gave itself once, though it hears of it again', async () => {
    const end: End = { kind: 'unknown', reason: 'EXECUTOR_LOST' };
    const own = { kind: 'ended' as const, id: 'r1', end, items: [], late: false, at: 3000 };
    metrics.decided({ kind: 'requested', request: request('r1') }, [granted('r1', 1000)]);
    metrics.decided(TICK, [{ kind: 'ended', ended: own }]);
    metrics.decided({ kind: 'executed', executed: own }, []);
    const text = await registry.metrics();
    expect(text).toContain('arbiter_ends_total{end="unknown",reason="EXECUTOR_LOST"} 1');
    expect(text).toContain('arbiter_end_seconds_sum 2');
  });

  it('take no time of a request from before another term', async () => {
    metrics.decided({ kind: 'requested', request: request('r1') }, [granted('r1', 1000)]);
    metrics.left();
    metrics.decided(ended('r1', DONE, 900_000), []);
    const text = await registry.metrics();
    expect(text).toContain('arbiter_end_seconds_count 0');
    expect(text).toContain('arbiter_ends_total{end="executed",reason=""} 1');
  });

  it('say who is in office', async () => {
    let isInOffice = false;
    metrics.watch(() => isInOffice);
    expect(await registry.metrics()).toContain('arbiter_in_office 0');
    isInOffice = true;
    expect(await registry.metrics()).toContain('arbiter_in_office 1');
  });
});
