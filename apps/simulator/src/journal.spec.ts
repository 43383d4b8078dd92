import { describe, expect, it } from 'vitest';
import { Journal } from './journal.js';

function filled(journal: Journal, entries: number): Journal {
  for (let n = 1; n <= entries; n++) journal.add({ tag: n, count: 1, value: n / 2, time: 1_000 + n });
  return journal;
}

describe('journal', () => {
  it('is empty at first', () => {
    expect(new Journal().after(0)).toEqual({ entries: [], next: 0, oldest: 1 });
  });

  it('gives what came after a number', () => {
    const page = filled(new Journal(8), 5).after(3);
    expect(page.entries).toEqual([
      { n: 4, tag: 4, count: 1, value: 2, time: 1_004 },
      { n: 5, tag: 5, count: 1, value: 2.5, time: 1_005 },
    ]);
    expect(page).toMatchObject({ next: 5, oldest: 1 });
  });

  it('forgets the oldest and says so', () => {
    const page = filled(new Journal(4), 10).after(2);
    expect(page.entries.map(({ n, tag }) => [n, tag])).toEqual([
      [7, 7],
      [8, 8],
      [9, 9],
      [10, 10],
    ]);
    expect(page.oldest).toBe(7);
  });

  it('gives at most 10,000 at once, and goes on from there', () => {
    const journal = filled(new Journal(), 12_000);
    const first = journal.after(0);
    expect(first.entries).toHaveLength(10_000);
    expect(journal.after(first.next).entries).toHaveLength(2_000);
  });

  it('answers a number from the future with nothing, and with where it stands', () => {
    expect(filled(new Journal(8), 5).after(99)).toEqual({ entries: [], next: 5, oldest: 1 });
  });
});
