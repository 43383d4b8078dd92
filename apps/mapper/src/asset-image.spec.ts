import { BatchBuilder, sourceMs, valueAt } from '@busbar/batch';
import { describe, expect, it } from 'vitest';
import { AssetImage } from './asset-image.js';
import { batchOf } from './testing/sample-site.js';

const head = { key: 'a1', generation: 1 };

function points(values: Readonly<Record<number, number>>) {
  return batchOf('points', values, head);
}

function valuesOf(batch: ReturnType<AssetImage['take']>): Record<number, unknown> {
  return Object.fromEntries([...batch.handles].map((handle, i) => [handle, valueAt(batch, i)]));
}

describe('an image', () => {
  it('holds the newest value of every point, with quality and source time', () => {
    const image = new AssetImage('a1');
    image.update(points({ 1: 10, 40: 4 }));
    const later = new BatchBuilder(1, 5000);
    later.put(1, 11, 0x41, 4900);
    image.update(later.finish({ kind: 'points', ...head, collectedMs: 5000 }));
    const batch = image.take(null, 7, 6000);
    expect(batch).toMatchObject({ kind: 'image', key: 'a1', generation: 7, collectedMs: 6000, count: 2 });
    expect(valuesOf(batch)).toEqual({ 1: 11, 40: 4 });
    expect(batch.quality[0]).toBe(0x41);
    expect(sourceMs(batch, 0)).toBe(4900);
    expect(sourceMs(batch, 1)).toBe(1000);
  });

  it('keeps texts, and forgets them when a number follows', () => {
    const image = new AssetImage('a1');
    const text = new BatchBuilder(1, 1000);
    text.putSide(1, 'on', 0, 1000);
    image.update(text.finish({ kind: 'points', ...head, collectedMs: 1000 }));
    const first = image.take(null, 1, 1000);
    expect(valueAt(first, 0)).toBe('on');
    image.update(points({ 1: 3 }));
    expect(valuesOf(image.take(null, 1, 1000))).toEqual({ 1: 3 });
    expect(valueAt(first, 0)).toBe('on');
  });

  it('is dirty from a change until it is taken, and again when it did not become durable', () => {
    const image = new AssetImage('a1');
    expect(image.isDirty).toBe(false);
    image.update(points({ 1: 1 }));
    expect(image.isDirty).toBe(true);
    image.take(null, 1, 0);
    expect(image.isDirty).toBe(false);
    image.written(false);
    expect(image.isDirty).toBe(true);
  });
});

describe('beside the image of another mapper', () => {
  it('takes what it does not feed itself from the log', () => {
    const image = new AssetImage('a1');
    image.update(points({ 1: 10 }));
    expect(valuesOf(image.take(batchOf('image', { 1: 9, 2: 20 }, head), 1, 0))).toEqual({ 1: 10, 2: 20 });
  });

  it('follows the other one, also for points that it fed once', () => {
    const image = new AssetImage('a1');
    image.update(points({ 1: 10, 2: 20 }));
    image.take(null, 1, 0);
    image.written(true);
    image.update(points({ 1: 11 }));
    expect(valuesOf(image.take(batchOf('image', { 1: 10, 2: 25 }, head), 1, 0))).toEqual({ 1: 11, 2: 25 });
  });

  it('does not take back values whose image did not become durable', () => {
    const image = new AssetImage('a1');
    image.update(points({ 1: 10 }));
    image.take(null, 1, 0);
    image.written(false);
    expect(valuesOf(image.take(batchOf('image', { 1: 9 }, head), 1, 0))).toEqual({ 1: 10 });
  });

  it('does not take back what changed while its image was on the way', () => {
    const image = new AssetImage('a1');
    image.update(points({ 1: 10 }));
    image.take(null, 1, 0);
    image.update(points({ 1: 11 }));
    image.written(true);
    expect(valuesOf(image.take(batchOf('image', { 1: 10 }, head), 1, 0))).toEqual({ 1: 11 });
  });

  it('takes nothing from an image that is older than its model', () => {
    const image = new AssetImage('a1', 5);
    image.update(points({ 1: 10 }));
    expect(valuesOf(image.take(batchOf('image', { 2: 20 }, { key: 'a1', generation: 4 }), 5, 0))).toEqual({ 1: 10 });
  });
});
