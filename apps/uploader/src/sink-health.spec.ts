import type { ConnectionReport } from '@busbar/service-kit';
import { beforeEach, describe, expect, it } from 'vitest';
import { SinkHealth } from './sink-health.js';

const refused = { code: 'SINK_REFUSED' as const, params: { target: 'x', count: 1, reason: undefined } };

let nowMs: number;
let reports: ConnectionReport[];
let health: SinkHealth;

beforeEach(() => {
  nowMs = 1_000;
  reports = [];
  health = new SinkHealth({
    clock: { monotonicMs: () => nowMs, wallMs: () => nowMs },
    report: (report) => void reports.push(report),
    waiting: () => 3,
  });
});

const last = () => reports.at(-1);

describe('health of a sink', () => {
  it('counts what was acknowledged and refused, and when', () => {
    health.opened();
    nowMs = 2_000;
    health.counted(5, 0, null);
    nowMs = 3_000;
    health.counted(0, 2, refused);
    expect(last()?.sink).toEqual({ acknowledged: 5, refused: 2, lastAcknowledgedAt: 2_000, waiting: 3 });
  });

  it('is degraded by a refusal, with a diagnosis that can be recorded', () => {
    health.opened();
    health.counted(5, 1, refused);
    expect(last()).toMatchObject({
      state: 'degraded',
      diagnosis: { code: 'SINK_REFUSED', params: { target: 'x', count: 1, reason: null } },
    });
  });

  it('does not swing with each send: a refusal stands for a minute', () => {
    health.opened();
    health.counted(5, 1, refused);
    nowMs += 59_999;
    health.counted(5, 0, null);
    expect(last()).toMatchObject({ state: 'degraded', since: 1_000 });
    nowMs += 1;
    health.counted(5, 0, null);
    expect(last()).toMatchObject({ state: 'active', diagnosis: null, since: nowMs });
  });

  it('keeps since when while nothing changes', () => {
    health.failed({ code: 'CONNECTION_LOST', params: { target: 'x', reason: 'cut' } });
    nowMs += 1_000;
    health.failed({ code: 'CONNECTION_LOST', params: { target: 'x', reason: 'other' } });
    expect(last()?.since).toBe(1_000);
    health.failed({ code: 'CONNECTION_DENIED', params: { target: 'x' } });
    expect(last()?.since).toBe(2_000);
  });
});
