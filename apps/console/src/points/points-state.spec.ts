import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPointsState, readRange, toQuery, writePointsState } from './points-state.js';

const states = fc.record({
  text: fc.string({ unit: 'grapheme', maxLength: 50 }),
  asset: fc.string({ unit: 'grapheme', maxLength: 20 }),
  abnormal: fc.boolean(),
});

describe('state of the points page', () => {
  it('comes back from the link it made', () => {
    fc.assert(
      fc.property(states, (state) => {
        const link = writePointsState(new URLSearchParams('range=1h'), state).toString();
        expect(readPointsState(new URLSearchParams(link))).toEqual(state);
        expect(readRange(new URLSearchParams(link)).key).toBe('1h');
      }),
    );
  });

  it('asks the server for no more than the page says', () => {
    expect(toQuery({ text: '  ', asset: '', abnormal: false })).toEqual({});
    expect(toQuery({ text: ' inv ', asset: 'inv-01', abnormal: true })).toEqual({
      text: 'inv',
      asset: 'inv-01',
      abnormal: true,
    });
  });

  it('takes a range it does not know as ten minutes', () => {
    expect(readRange(new URLSearchParams('range=9y')).key).toBe('10m');
  });
});
