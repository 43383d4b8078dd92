import type { SideValue } from '@busbar/batch';
import type { PointConfig } from '@busbar/events';
import { uncertain } from '@busbar/model';
import { JsonBytes, type SinkMessage, type TimeGroup, utf8 } from '@busbar/sink-sdk';
import type { EnosDevice } from './device.js';

/** One publish of EnOS is 512 KB at most (limits of the device connection); some room is left for the envelope. */
export const MAX_REQUEST_BYTES = 500_000;

type Points = readonly (PointConfig | undefined)[];

/** Values of one device at one time: what EnOS accepts or refuses as one. */
export interface Item {
  /** Index of the message that it comes from. */
  readonly message: number;
  readonly source: SinkMessage;
  readonly device: EnosDevice;
  readonly timeMs: number;
  readonly indexes: ArrayLike<number>;
}

interface Keys {
  /** `"id":` by number. */
  readonly octets: readonly Uint8Array[];
  readonly longest: number;
}

/** Made once per model. */
const keysByModel = new WeakMap<Points, Keys>();

/** Numbers may lie far apart (a device's own tags begin at 1,000,001): only those that are there are visited. */
function makeKeys(points: Points): Keys {
  const octets: Uint8Array[] = [];
  let longest = 0;
  for (const [number, point] of Object.entries(points)) {
    if (!point) continue;
    const key = utf8(`${JSON.stringify(point.id)}:`);
    octets[Number(number)] = key;
    longest = Math.max(longest, key.length);
  }
  return { octets, longest };
}

function keysOf(points: Points): Keys {
  let keys = keysByModel.get(points);
  if (keys === undefined) {
    keys = makeKeys(points);
    keysByModel.set(points, keys);
  }
  return keys;
}

/**
 * The values of a group that EnOS has words for. A value that is not there has none; and neither a bad nor a stale value has
 * one where the point carries no quality: bare, it would read as a good and fresh one.
 */
export function sendable(message: SinkMessage, group: TimeGroup): ArrayLike<number> {
  const { batch, points } = message;
  const { indexes } = group;
  const can = (at: number): boolean => {
    const value = batch.values[at] as number;
    if (value - value !== 0 && !batch.side?.has(at)) return false;
    const quality = batch.quality[at] as number;
    const isPlain = quality < 0x80 && quality !== STALE;
    return isPlain || points[batch.handles[at] as number]?.quality === true;
  };
  for (let i = 0; i < indexes.length; i++) {
    if (!can(indexes[i] as number)) return Array.from(indexes).filter(can);
  }
  return indexes;
}

const STALE = uncertain('stale');
const VALUE = utf8('{"value":');
const QUALITIES = [utf8(',"quality":0}'), utf8(',"quality":1}'), utf8(',"quality":2}')];
const END_ITEM = utf8('}}');

function writeItem(json: JsonBytes, item: Item): void {
  const { batch, points } = item.source;
  const keys = keysOf(points).octets;
  const { indexes, device } = item;
  const { productKey, deviceKey } = device;
  json.text(
    `{"productKey":${JSON.stringify(productKey)},"deviceKey":${JSON.stringify(deviceKey)},"time":${item.timeMs},"measurepoints":{`,
  );
  for (let i = 0; i < indexes.length; i++) {
    const at = indexes[i] as number;
    const handle = batch.handles[at] as number;
    const point = points[handle] as PointConfig;
    if (i > 0) json.comma();
    json.raw(keys[handle] as Uint8Array);
    if (point.quality) {
      json.raw(VALUE);
      json.value(batch, at, point);
      json.raw(QUALITIES[(batch.quality[at] as number) >> 6] as Uint8Array);
    } else json.value(batch, at, point);
  }
  json.raw(END_ITEM);
}

const writer = new JsonBytes('number');

export type Purpose = 'post' | 'resume';

/** A number with its quality, the longest that there is. */
const LONGEST_NUMBER = 56;

/** Octets that an item has at most, without writing it. */
function boundOf(item: Item): number {
  const { batch, points } = item.source;
  const { productKey, deviceKey } = item.device;
  const octets = 128 + 6 * (productKey.length + deviceKey.length);
  const numbers = item.indexes.length * (LONGEST_NUMBER + keysOf(points).longest);
  return octets + numbers + (batch.side ? sideOctets(item, batch.side) : 0);
}

function sideOctets(item: Item, side: ReadonlyMap<number, SideValue>): number {
  let octets = 0;
  for (let i = 0; i < item.indexes.length; i++) {
    const value = side.get(item.indexes[i] as number);
    if (value === undefined || typeof value === 'bigint') continue;
    // An octet of UTF-8 may need 6 when escaped.
    octets += typeof value === 'string' ? 6 * value.length + 2 : 6 * JSON.stringify(value, bigintAsText).length;
  }
  return octets;
}

function bigintAsText(_key: string, field: unknown): unknown {
  return typeof field === 'bigint' ? field.toString() : field;
}

/** Takes items in order and gives groups that fit one request: all late or none, at most `most`, 500,000 octets. */
export class Packer {
  readonly #most: number;
  #items: Item[] = [];
  #octets = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The group that is full because this item does not fit it any more, or null. */
  add(item: Item): readonly Item[] | null {
    const octets = boundOf(item);
    const isFull =
      this.#items.length > 0 &&
      (this.#items.length === this.#most ||
        this.#octets + octets > MAX_REQUEST_BYTES ||
        this.#items[0]?.source.late !== item.source.late);
    const full = isFull ? this.take() : null;
    this.#items.push(item);
    this.#octets += octets;
    return full;
  }

  take(): readonly Item[] {
    const items = this.#items;
    this.#items = [];
    this.#octets = 0;
    return items;
  }
}

/** Both halves of an item's values. */
export function halves(item: Item): readonly [Item, Item] {
  const indexes = Array.from(item.indexes);
  const middle = indexes.length >> 1;
  return [
    { ...item, indexes: indexes.slice(0, middle) },
    { ...item, indexes: indexes.slice(middle) },
  ];
}

export function isOversize(item: Item): boolean {
  return boundOf(item) > MAX_REQUEST_BYTES;
}

export function requestBody(id: string, purpose: Purpose, items: readonly Item[]): Buffer {
  writer.truncate(0);
  writer.text(
    `{"id":"${id}","version":"1.0","method":"thing.measurepoint.${purpose}.batch",` +
      '"allowOfflineSubDevice":false,"skipInvalidMeasurepoints":false,"params":[',
  );
  for (const [i, item] of items.entries()) {
    if (i > 0) writer.comma();
    writeItem(writer, item);
  }
  writer.text(']}');
  return writer.take();
}
