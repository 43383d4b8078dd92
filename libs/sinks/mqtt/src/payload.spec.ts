import { bad, uncertain } from '@busbar/model';
import { type SinkMessage, timeGroups } from '@busbar/sink-sdk';
import { batchOf, POINTS, START_MS, type TestSample } from '@busbar/sink-testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messagePayload } from './payload.js';

const asset = { asset: 'inv-01', title: 'Inverter', model: 'inverter', identity: {} };

function messageOf(samples: readonly TestSample[]): SinkMessage {
  const batch = batchOf('inv-01', samples);
  return { asset, batch, points: POINTS, late: false, selected: Array.from({ length: batch.count }, (_, i) => i) };
}

function payloads(samples: readonly TestSample[]): string[] {
  const message = messageOf(samples);
  return timeGroups(message).groups.map((group) => messagePayload(message, group).toString());
}

describe('the payload of a message', () => {
  it('is exactly asset, time and points when all is good', () => {
    const text = payloads([
      { point: 1, value: 12.5 },
      { point: 2, value: -0.001 },
    ]);
    expect(text).toEqual([`{"asset":"inv-01","time":${START_MS},"points":{"t0":12.5,"t1":-0.001}}`]);
  });

  it('lists under quality only what is not good', () => {
    const text = payloads([
      { point: 1, value: 1 },
      { point: 2, value: 2, quality: uncertain('stale') },
      { point: 3, value: Number.NaN, quality: bad('not-connected') },
    ]);
    expect(text).toEqual([
      `{"asset":"inv-01","time":${START_MS},"points":{"t0":1,"t1":2},"quality":{"t1":"uncertain stale","t2":"bad not-connected"}}`,
    ]);
  });

  it('writes texts and 64-bit integers as strings, bools as bools, and no null', () => {
    const text = payloads([
      { point: 9, value: 1 },
      { point: 10, value: 9007199254740993n },
      { point: 11, value: 'a "quoted" name' },
      { point: 12, value: Number.POSITIVE_INFINITY },
    ]);
    expect(text).toEqual([
      `{"asset":"inv-01","time":${START_MS},"points":{"enabled":true,"energy":"9007199254740993","name":"a \\"quoted\\" name"},"quality":{"limit":"bad not-a-number"}}`,
    ]);
  });

  it('puts points of another source time into a message of their own', () => {
    const text = payloads([
      { point: 1, value: 1 },
      { point: 2, value: 2, timeMs: START_MS - 500 },
      { point: 3, value: 3 },
    ]);
    expect(text).toEqual([
      `{"asset":"inv-01","time":${START_MS},"points":{"t0":1,"t2":3}}`,
      `{"asset":"inv-01","time":${START_MS - 500},"points":{"t1":2}}`,
    ]);
  });

  it('serves points whose numbers lie far apart', () => {
    const points: SinkMessage['points'][number][] = [];
    points[1_000_001] = { ...(POINTS[1] as NonNullable<(typeof POINTS)[1]>), number: 1_000_001 };
    const message = { ...messageOf([{ point: 1_000_001, value: 7 }]), points };
    const [group] = timeGroups(message).groups;
    expect(group && messagePayload(message, group).toString()).toContain('"points":{"t0":7}');
  });

  it('carries every number through JSON unchanged', () => {
    fc.assert(
      fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (value) => {
        const [text] = payloads([{ point: 1, value }]);
        expect(JSON.parse(text as string).points.t0).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  it('loses and invents no value, and keeps the order of each point, whatever the times', () => {
    const sample = fc.record({
      point: fc.integer({ min: 1, max: 4 }),
      value: fc.integer({ min: 0, max: 1e6 }),
      timeMs: fc.integer({ min: START_MS - 2, max: START_MS + 2 }),
    });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 30 }), (samples) => {
        const seen = payloads(samples).flatMap((text) => {
          const { time, points } = JSON.parse(text) as { time: number; points: Record<string, number> };
          return Object.entries(points).map(([id, value]) => ({ id, value, time }));
        });
        expect(seen.length).toBe(samples.length);
        for (let point = 1; point <= 4; point++) {
          const sent = samples
            .filter((one) => one.point === point)
            .map(({ value, timeMs }) => ({ value, time: timeMs }));
          const got = seen.filter((one) => one.id === `t${point - 1}`).map(({ value, time }) => ({ value, time }));
          expect(got).toEqual(sent);
        }
      }),
    );
  });
});
