import { describe, expect, it } from 'vitest';
import { ValueLog } from './value-log.js';

describe('the log of every value', () => {
  it('gives back every value in order, repeats included, page by page', () => {
    const log = new ValueLog();
    for (let i = 0; i < 10_000; i++) {
      log.add('d1', { id: `p${i % 3}`, value: i % 7 === 0 ? `text ${i}` : i / 4, time: 1000 + i });
    }
    log.add('d2', { id: 'p0', value: 1, time: 1 });
    const seen = [];
    let after = 0;
    for (;;) {
      const page = log.page('d1', after, 999);
      if (page.values.length === 0) break;
      seen.push(...page.values);
      after = page.next;
    }
    expect(seen).toHaveLength(10_000);
    expect(seen.every((value, i) => value.n === i + 1 && value.id === `p${i % 3}` && value.time === 1000 + i)).toBe(
      true,
    );
    expect(seen.slice(0, 3).map(({ value }) => value)).toEqual(['text 0', 0.25, 0.5]);
    expect(log.page('d2', 0, 10).values).toEqual([{ n: 1, id: 'p0', value: 1, time: 1 }]);
  });

  it('drops the oldest beyond its bound and says from where it still knows', () => {
    const log = new ValueLog(8_192);
    for (let i = 0; i < 20_000; i++) log.add('d1', { id: 'p', value: i, time: i });
    const page = log.page('d1', 0, 100_000);
    expect(page.values.length).toBeLessThanOrEqual(8_192);
    expect(page.values[0]?.n).toBe(page.first);
    expect(page.values.at(-1)).toEqual({ n: 20_000, id: 'p', value: 19_999, time: 19_999 });
    expect(page.first).toBeGreaterThan(1);
  });

  it('knows nothing of a device that sent nothing', () => {
    expect(new ValueLog().page('d9', 5, 10)).toEqual({ values: [], next: 5, first: 1 });
  });
});
