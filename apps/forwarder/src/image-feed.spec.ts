import type { SampleBatch } from '@busbar/batch';
import { bad, GOOD, uncertain } from '@busbar/model';
import { PointImage } from '@busbar/server-sdk';
import { describe, expect, it } from 'vitest';
import { ImageFeed } from './image-feed.js';
import { PlanIndex } from './plan-index.js';
import { batchOf, joinedPlan, NUMBERS } from './test-plan.js';

function feedOf(...ids: string[]): ImageFeed {
  const joined = joinedPlan(...ids);
  return new ImageFeed(new PlanIndex(joined), new PointImage(joined.plan.entries.length));
}

const eventsOf = (events: SampleBatch | null) =>
  events === null ? [] : [...events.handles].map((handle, i) => [handle, events.values[i]]);

describe('a value that was executed', () => {
  const LIMIT = { path: 'a/limit', value: 40, timeMs: 7, quality: uncertain('substituted') };

  it('stands where the point is shown, until something newer is known', () => {
    const index = new PlanIndex(joinedPlan('a/power', 'a/limit', 'b/limit'));
    const feed = new ImageFeed(index, new PointImage(3));
    expect([...feed.execute({ ...LIMIT, value: null })]).toEqual([]);
    expect([...feed.execute(LIMIT)]).toEqual([1]);
    expect([feed.image.value[1], feed.image.timeMs[1], feed.image.quality[1]]).toEqual([40, 7, LIMIT.quality]);
    expect([...feed.execute({ ...LIMIT, value: 30, timeMs: 6 })]).toEqual([]);
    feed.execute({ ...LIMIT, value: null, timeMs: 8, quality: uncertain('stale') });
    expect([feed.image.value[1], feed.image.quality[1]]).toEqual([40, uncertain('stale')]);
    feed.execute({ ...LIMIT, value: true, timeMs: 9 });
    expect(feed.image.value[1]).toBe(1);
  });
});

describe('the image of a plan', () => {
  it('shows what a batch says, at every address of the point, and tells which slots changed', () => {
    const feed = feedOf('a/power', 'b/power', 'a/state', 'a/power');
    const { slots, count } = feed.feed(batchOf('a', ['power', 7, 100], ['limit', 1, 100]), 0);
    expect([...slots.subarray(0, count)].sort()).toEqual([0, 3]);
    expect([feed.image.value[0], feed.image.value[3]]).toEqual([7, 7]);
    expect(feed.image.timeMs[0]).toBe(100);
    expect(feed.image.quality[1]).toBe(bad('never-read'));
  });

  it('is not set back by a record that comes twice', () => {
    const feed = feedOf('a/power');
    feed.feed(batchOf('a', ['power', 1, 100]), 4);
    feed.feed(batchOf('a', ['power', 2, 200]), 5);
    expect(feed.feed(batchOf('a', ['power', 1, 100]), 4).count).toBe(0);
    expect(feed.image.value[0]).toBe(2);
  });

  it('shows what was known before the start as stale, with its old time, until it is seen again', () => {
    const feed = feedOf('a/power', 'a/state');
    feed.remember(batchOf('a', ['power', 3, 100], ['state', 1, 100, bad('device')]));
    expect(feed.image.quality[0]).toBe(uncertain('stale'));
    expect(feed.image.quality[1]).toBe(bad('device'));
    expect(feed.image.timeMs[0]).toBe(100);
    feed.feed(batchOf('a', ['power', 3, 200]), 0);
    expect(feed.image.quality[0]).toBe(GOOD);
  });

  it('does not let the image of all overwrite what came since', () => {
    const feed = feedOf('a/power');
    feed.feed(batchOf('a', ['power', 4, 200]), 0);
    feed.remember(batchOf('a', ['power', 3, 100]));
    expect(feed.image.value[0]).toBe(4);
  });

  it('keeps its values when the plan changes, and says where each was', () => {
    const feed = feedOf('a/power', 'a/state');
    feed.feed(batchOf('a', ['power', 4, 200], ['state', 1, 200]), 0);
    const slotOf = feed.replan(new PlanIndex(joinedPlan('a/state', 'b/power')));
    expect([...slotOf]).toEqual([1, -1]);
    expect(feed.image.value[0]).toBe(1);
    expect(feed.image.quality[1]).toBe(bad('never-read'));
  });

  it('keeps the stamp of a value that was not refreshed', () => {
    const feed = feedOf('a/power');
    feed.feed(batchOf('a', ['power', 4, 200]), 0);
    feed.feed(batchOf('a', ['power', 4, 900, uncertain('stale')]), 1);
    expect(feed.image.timeMs[0]).toBe(200);
    expect(feed.image.quality[0]).toBe(uncertain('stale'));
  });

  it('marks the time that Busbar gave because the device gives none', () => {
    const feed = feedOf('a/power', 'a/state');
    feed.feed(batchOf('a', ['power', 4, 5_000], ['state', 1, 4_990]), 0);
    expect([...feed.image.isCollected]).toEqual([1, 0]);
  });
});

describe('events', () => {
  it('are the changes of value and quality of points that want them, and no others', () => {
    const feed = feedOf('a/state', 'a/power');
    expect(eventsOf(feed.feed(batchOf('a', ['state', 0, 100], ['power', 1, 100]), 0).events)).toEqual([
      [NUMBERS.state, 0],
    ]);
    expect(feed.feed(batchOf('a', ['state', 0, 200], ['power', 2, 200]), 1).events).toBeNull();
    expect(eventsOf(feed.feed(batchOf('a', ['state', 1, 300]), 2).events)).toEqual([[NUMBERS.state, 1]]);
    expect(eventsOf(feed.feed(batchOf('a', ['state', 1, 400, bad('not-connected')]), 3).events)).toHaveLength(1);
  });

  it('all come out of one batch that holds several changes of a point', () => {
    const feed = feedOf('a/state');
    const { events } = feed.feed(batchOf('a', ['state', 1, 1], ['state', 0, 2], ['state', 1, 3]), 0);
    expect([...(events?.dt ?? [])]).toEqual([1, 2, 3]);
  });

  it('tell that a point is stale, and that it is good again', () => {
    const feed = feedOf('a/state');
    feed.feed(batchOf('a', ['state', 1, 100]), 0);
    expect(feed.feed(batchOf('a', ['state', 1, 900, uncertain('stale')]), 1).events?.count).toBe(1);
    expect(feed.feed(batchOf('a', ['state', 1, 1_000]), 2).events?.quality[0]).toBe(GOOD);
  });

  it('name every slot of a batch with more samples than the plan has addresses', () => {
    const { slots, count } = feedOf('a/state').feed(batchOf('a', ['state', 1, 1], ['state', 0, 2], ['state', 1, 3]), 0);
    expect([...slots.subarray(0, count)]).toEqual([0, 0, 0]);
  });

  it('are queued again after a start for what is older than the image, and once for what was shown as stale', () => {
    const feed = feedOf('a/state');
    feed.remember(batchOf('a', ['state', 1, 300]));
    expect(feed.feed(batchOf('a', ['state', 1, 100]), 0).events?.count).toBe(1);
    const other = feedOf('a/state');
    other.remember(batchOf('a', ['state', 1, 300]));
    expect(other.feed(batchOf('a', ['state', 1, 400]), 0).events?.count).toBe(1);
    expect(other.feed(batchOf('a', ['state', 1, 500]), 1).events).toBeNull();
  });
});
