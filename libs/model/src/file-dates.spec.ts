import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dateFieldProblem, expandDates, hasDateFields, localTime } from './file-dates.js';

const HOUR_MS = 3_600_000;
const at = (text: string) => Date.parse(text);
const zone = fc.constantFrom('UTC', 'Asia/Shanghai', 'Europe/Berlin', 'America/St_Johns', 'Pacific/Kiritimati');
const moment = fc.integer({ min: at('2001-01-01T00:00Z'), max: at('2040-01-01T00:00Z') });

describe('dates in paths and names', () => {
  it('are those of the site, one text per day', () => {
    const reach = { fromMs: at('2026-03-04T15:00Z'), toMs: at('2026-03-05T17:00Z'), timezone: 'Asia/Shanghai' };
    expect(expandDates('/rec/%Y/%m/%d', reach)).toEqual(['/rec/2026/03/04', '/rec/2026/03/05', '/rec/2026/03/06']);
  });

  it('go through a day of 25 hours without losing one of its hours', () => {
    const reach = { fromMs: at('2026-10-24T22:00Z'), toMs: at('2026-10-25T22:00Z'), timezone: 'Europe/Berlin' };
    const hours = expandDates('%d-%H', reach);
    expect(hours.filter((text) => text.startsWith('25-')).length).toBe(24);
  });

  it('take minutes and seconds as any two digits, and %% as %', () => {
    const reach = { fromMs: 0, toMs: 0, timezone: 'UTC' };
    expect(expandDates('%y%j-%H%M%S 5%%.csv', reach)).toEqual(['70001-00[0-9][0-9][0-9][0-9] 5%.csv']);
  });

  it('say what a text without date fields is', () => {
    expect(expandDates('/rec', { fromMs: 0, toMs: HOUR_MS, timezone: 'UTC' })).toEqual(['/rec']);
    expect(hasDateFields('a%%Y')).toBe(false);
    expect(hasDateFields('a%Y')).toBe(true);
  });

  it('hold the text of the moment itself, each once', () => {
    fc.assert(
      fc.property(moment, fc.integer({ min: 0, max: 48 * HOUR_MS }), zone, (toMs, reachMs, timezone) => {
        const found = expandDates('%Y%m%d%H', { fromMs: toMs - reachMs, toMs, timezone });
        const { year, month, day, hour } = localTime(toMs, timezone);
        const two = (value: number) => String(value).padStart(2, '0');
        expect(found.at(-1)).toBe(`${year}${two(month)}${two(day)}${two(hour)}`);
        expect(new Set(found).size).toBe(found.length);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['%Y-%Q', 'name', '%Q is no date field'],
    ['100%', 'name', '% is no date field'],
    ['%M', 'folder', '%M stands in names'],
  ] as const)('refuse %s in a %s', (text, place, problem) => {
    expect(dateFieldProblem(text, place)).toContain(problem);
  });

  it.each(['%Y%m%d', '50%%', 'plain'])('take %s', (text) => {
    expect(dateFieldProblem(text, 'folder')).toBeUndefined();
  });
});
