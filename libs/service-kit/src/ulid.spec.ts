import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBootId, systemClock } from './clock.js';
import { ulid } from './ulid.js';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });

describe('a ULID', () => {
  it('is 26 letters of Crockford base 32 that hold the time', () => {
    fc.assert(
      fc.property(time, (ms) => {
        const id = ulid(ms);
        expect(id).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
        expect([...id.slice(0, 10)].reduce((sum, letter) => sum * 32 + ALPHABET.indexOf(letter), 0)).toBe(ms);
      }),
    );
  });

  it('sorts by time', () => {
    fc.assert(
      fc.property(time, time, (a, b) => {
        if (a !== b) expect(ulid(a) < ulid(b)).toBe(a < b);
      }),
    );
  });

  it('differs within one millisecond', () => {
    expect(new Set(Array.from({ length: 1000 }, () => ulid(1)))).toHaveLength(1000);
  });
});

describe('the clock of the system', () => {
  it('never goes back', () => {
    const clock = systemClock();
    let last = clock.monotonicMs();
    for (let i = 0; i < 1000; i++) {
      const now = clock.monotonicMs();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });

  it('counts as the wall clock does and stamps with whole milliseconds', () => {
    const before = Date.now();
    const wallMs = systemClock().wallMs();
    expect(Number.isInteger(wallMs)).toBe(true);
    expect(wallMs).toBeGreaterThanOrEqual(before);
    expect(wallMs).toBeLessThanOrEqual(Date.now());
  });

  it('has one name per boot', () => {
    expect(readBootId()).toMatch(/^[0-9a-f-]{36}$/);
  });
});
