import { bad, GOOD, uncertain } from '@busbar/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLiveFrame, encodeLiveFrame, LIVE_TEXT_OCTETS, type LiveFrame } from './live-frame.js';

const cell = fc.record({
  row: fc.integer({ min: 0, max: 499 }),
  value: fc.oneof(fc.double(), fc.constant(Number.NaN)),
  time: fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 8.64e15 }), fc.integer({ min: 1.79e12, max: 1.8e12 })),
  quality: fc.constantFrom(GOOD, uncertain('stale'), bad('not-connected'), bad('never-read')),
  text: fc.option(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constant('\ufeffmark'))),
});

const frames = fc
  .record({
    subscription: fc.integer({ min: 0, max: 65535 }),
    seq: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    cells: fc.array(cell, { maxLength: 60 }),
  })
  .map(
    ({ subscription, seq, cells }): LiveFrame => ({
      subscription,
      seq,
      rows: cells.map((one) => one.row),
      values: cells.map((one) => one.value),
      times: cells.map((one) => one.time),
      quality: cells.map((one) => one.quality),
      texts: new Map(cells.flatMap((one, index) => (one.text === null ? [] : [[index, one.text] as const]))),
    }),
  );

describe('live frame', () => {
  it('gives back every column as it was, source times of any age too', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(decodeLiveFrame(encodeLiveFrame(frame))).toEqual(frame);
      }),
    );
  });

  it('answers undefined to random octets and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        bytes.set([1, 1].slice(0, bytes.length));
        const frame = decodeLiveFrame(bytes);
        if (frame !== undefined) expect(frame.values).toHaveLength(frame.rows.length);
      }),
    );
  });

  it('refuses a frame that is cut or has something behind it', () => {
    fc.assert(
      fc.property(frames, fc.nat(), (frame, where) => {
        const bytes = encodeLiveFrame(frame);
        expect(decodeLiveFrame(bytes.subarray(0, where % bytes.length))).toBeUndefined();
        expect(decodeLiveFrame(new Uint8Array([...bytes, 0]))).toBeUndefined();
      }),
    );
  });

  it('refuses a quality that is not in use', () => {
    const frame = { subscription: 1, seq: 1, rows: [0], values: [1], times: [5], quality: [0xc0], texts: new Map() };
    expect(decodeLiveFrame(encodeLiveFrame(frame))).toBeUndefined();
  });

  it('cuts a text that is too long at a whole character', () => {
    const text = `x${'电'.repeat(LIVE_TEXT_OCTETS)}`;
    const texts = new Map([[0, text]]);
    const frame = { subscription: 1, seq: 1, rows: [0], values: [Number.NaN], times: [5], quality: [0], texts };
    const back = decodeLiveFrame(encodeLiveFrame(frame))?.texts.get(0) ?? '';
    expect(back.length).toBeGreaterThan(1000);
    expect(text.startsWith(back)).toBe(true);
  });
});
