import type { PointConfig } from '@busbar/events';
import { qualityText } from '@busbar/model';
import { JsonBytes, type SinkMessage, type TimeGroup, utf8 } from '@busbar/sink-sdk';

type Points = readonly (PointConfig | undefined)[];

/** `"id":` of every point of a model, made once per model. */
const keysByModel = new WeakMap<Points, readonly Uint8Array[]>();

/** Numbers may lie far apart (a device's own tags begin at 1,000,001): only those that are there are visited. */
function makeKeys(points: Points): readonly Uint8Array[] {
  const keys: Uint8Array[] = [];
  for (const [number, point] of Object.entries(points)) {
    if (point) keys[Number(number)] = utf8(`${JSON.stringify(point.id)}:`);
  }
  return keys;
}

function keysOf(points: Points): readonly Uint8Array[] {
  let keys = keysByModel.get(points);
  if (keys === undefined) {
    keys = makeKeys(points);
    keysByModel.set(points, keys);
  }
  return keys;
}

const QUALITY_WORDS = Array.from({ length: 256 }, (_, octet) => utf8(`"${qualityText(octet)}"`));
const NO_VALUE = utf8('"bad not-a-number"');
const POINTS = utf8(',"points":{');
const QUALITY = utf8('},"quality":{');
const END = utf8('}}');

const json = new JsonBytes('text');

/**
 * `{"asset":"<id>","time":<ms>,"points":{"<id>":<value>},"quality":{"<id>":"<word>"}}`. `quality` lists what is not good
 * and is left out when everything is; a point without a value stands there alone.
 */
export function messagePayload(message: SinkMessage, group: TimeGroup): Buffer {
  const { batch, points } = message;
  const keys = keysOf(points);
  const { indexes } = group;
  let notGood: number[] | null = null;
  json.truncate(0);
  json.text(`{"asset":${JSON.stringify(message.asset.asset)},"time":${group.timeMs}`);
  json.raw(POINTS);
  let isFirst = true;
  for (let i = 0; i < indexes.length; i++) {
    const at = indexes[i] as number;
    const handle = batch.handles[at] as number;
    const before = json.length;
    if (!isFirst) json.comma();
    json.raw(keys[handle] as Uint8Array);
    const hasValue = json.value(batch, at, points[handle] as PointConfig);
    if (hasValue) isFirst = false;
    else json.truncate(before);
    if (batch.quality[at] !== 0 || !hasValue) {
      notGood ??= [];
      notGood.push(at);
    }
  }
  if (notGood) {
    json.raw(QUALITY);
    for (const [i, at] of notGood.entries()) {
      if (i > 0) json.comma();
      json.raw(keys[batch.handles[at] as number] as Uint8Array);
      const octet = batch.quality[at] as number;
      json.raw(octet === 0 ? NO_VALUE : (QUALITY_WORDS[octet] as Uint8Array));
    }
  }
  json.raw(END);
  return json.take();
}
