import { describe, expect, it } from 'vitest';
import { DeviceList } from './device-list.js';
import { judgeBatch, judgePost, type PostRules } from './judge-post.js';

const devices = DeviceList.of([
  { productKey: 'pk', deviceKey: 'gw', deviceSecret: 's', gateway: true },
  { productKey: 'pk', deviceKey: 'sd1', deviceSecret: 's', points: ['P', { id: 'st', type: 'struct' }] },
  { productKey: 'pk', deviceKey: 'sd2', deviceSecret: 's' },
]);

function rules(more: Partial<PostRules> = {}): PostRules {
  return {
    device: (productKey, deviceKey) =>
      deviceKey === undefined ? devices.byKey('gw') : devices.find(productKey ?? '', deviceKey),
    isLoggedIn: (device) => device.deviceKey !== 'sd2',
    allowOffline: false,
    skipInvalid: false,
    nowMs: 77,
    ...more,
  };
}

const item = (measurepoints: unknown, more: object = {}) => ({
  productKey: 'pk',
  deviceKey: 'sd1',
  measurepoints,
  ...more,
});

function valuesOf(judged: ReturnType<typeof judgeBatch>) {
  return 'values' in judged
    ? judged.values.map(({ device, point, value, quality, timeMs }) => [
        device.deviceKey,
        point,
        value,
        quality,
        timeMs,
      ])
    : judged.code;
}

describe('posted values', () => {
  it('come bare or with a quality, with their time or the server time', () => {
    expect(
      valuesOf(judgeBatch([item({ P: { value: 1.5, quality: 1 } }, { time: 5 }), item({ P: 2 })], rules())),
    ).toEqual([
      ['sd1', 'P', 1.5, 1, 5],
      ['sd1', 'P', 2, undefined, 77],
    ]);
  });

  it('of a struct are not taken for a value with quality', () => {
    const struct = { value: 1, quality: 2 };
    expect(valuesOf(judgeBatch([item({ st: struct })], rules()))).toEqual([['sd1', 'st', struct, undefined, 77]]);
  });

  it('of an item without keys, or with empty ones, are those of the gateway', () => {
    const items = [{ measurepoints: { a: 1 } }, { productKey: '', deviceKey: '', measurepoints: { b: 2 } }];
    expect(valuesOf(judgeBatch(items, rules()))).toEqual([
      ['gw', 'a', 1, undefined, 77],
      ['gw', 'b', 2, undefined, 77],
    ]);
  });

  it('with one undefined point fail as a whole, unless invalid ones are to be skipped', () => {
    const items = [item({ P: 1 }), item({ nope: 2 })];
    expect(valuesOf(judgeBatch(items, rules()))).toBe(1204);
    expect(valuesOf(judgeBatch(items, rules({ skipInvalid: true })))).toEqual([['sd1', 'P', 1, undefined, 77]]);
    expect(valuesOf(judgeBatch([item({ nope: 2 })], rules({ skipInvalid: true })))).toEqual([]);
    expect(valuesOf(judgePost({ measurepoints: { nope: 1 } }, rules({ device: () => devices.byKey('sd1') })))).toBe(
      1204,
    );
  });

  it('of an offline sub-device fail as a whole, unless offline ones are allowed', () => {
    const items = [item({ P: 1 }), item({ x: 2 }, { deviceKey: 'sd2' })];
    expect(valuesOf(judgeBatch(items, rules()))).toBe(1009);
    expect(valuesOf(judgeBatch(items, rules({ allowOffline: true })))).toHaveLength(2);
  });

  it.each([
    [null],
    [{}],
    [[null]],
    [[{}]],
    [[item(null)]],
    [[item({ P: 1 }, { time: '5' })]],
    [[item({ P: 1 }, { time: 1.5 })]],
    [[item({ P: 1 }, { time: -1 })]],
    [[item({ P: null })]],
    [[item({ P: { value: null, quality: 0 } })]],
  ])('that are malformed (%j) are refused', (params) => {
    expect(valuesOf(judgeBatch(params, rules()))).toBe(805);
  });
});
