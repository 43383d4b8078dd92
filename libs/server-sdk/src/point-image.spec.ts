import { bad, GOOD } from '@busbar/model';
import { describe, expect, it } from 'vitest';
import { PointImage } from './point-image.js';

describe('a point image', () => {
  it('begins without any value, and says so', () => {
    const image = new PointImage(2);
    expect([...image.value]).toEqual([Number.NaN, Number.NaN]);
    expect([...image.quality]).toEqual([bad('never-read'), bad('never-read')]);
  });

  it('keeps what is known under the slots of another plan, and nothing for new entries', () => {
    const image = new PointImage(2);
    image.set(1, 42, { timeMs: 1_000, quality: GOOD, isCollected: true });
    const moved = image.moved(Int32Array.of(1, -1, 0));
    expect(moved.value[0]).toBe(42);
    expect(moved.timeMs[0]).toBe(1_000);
    expect(moved.isCollected[0]).toBe(1);
    expect(moved.quality[1]).toBe(bad('never-read'));
    expect(moved.slots).toBe(3);
  });
});
