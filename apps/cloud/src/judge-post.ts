import { CODE } from './codes.js';
import type { Device } from './device-list.js';

export interface PostedValue {
  readonly device: Device;
  readonly point: string;
  readonly value: unknown;
  readonly quality: number | undefined;
  /** Epoch ms, of the device where it gives one. */
  readonly timeMs: number;
}

export interface PostRules {
  /** The device that an item names; undefined: there is none, or it is not below this gateway. */
  device(productKey: string | undefined, deviceKey: string | undefined): Device | undefined;
  isLoggedIn(device: Device): boolean;
  readonly allowOffline: boolean;
  readonly skipInvalid: boolean;
  readonly nowMs: number;
}

/** All values of a request, or the first code met: EnOS takes a request as a whole or not at all. */
export type Judged = { readonly values: readonly PostedValue[] } | { readonly code: number };

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value with its quality, told from a struct by the point's type where it is known. */
function split(raw: unknown, type: string | undefined): { value: unknown; quality: number | undefined } | undefined {
  if (raw === null || raw === undefined) return undefined;
  if (!isObject(raw) || type === 'struct' || !('value' in raw)) return { value: raw, quality: undefined };
  if (Object.keys(raw).some((name) => name !== 'value' && name !== 'quality'))
    return { value: raw, quality: undefined };
  if (raw.value === null) return undefined;
  const quality = raw.quality;
  return { value: raw.value, quality: typeof quality === 'number' ? quality : undefined };
}

function judgeItem(item: unknown, rules: PostRules): Judged {
  if (!isObject(item) || !isObject(item.measurepoints)) return { code: CODE.malformed };
  const { time = rules.nowMs } = item;
  if (typeof time !== 'number' || !Number.isSafeInteger(time) || time < 0) return { code: CODE.malformed };
  // An empty key means the gateway itself, as a missing one does.
  const productKey = typeof item.productKey === 'string' && item.productKey !== '' ? item.productKey : undefined;
  const deviceKey = typeof item.deviceKey === 'string' && item.deviceKey !== '' ? item.deviceKey : undefined;
  const device = rules.device(productKey, deviceKey);
  if (!device) return { code: CODE.notLoggedIn };
  if (!rules.allowOffline && !rules.isLoggedIn(device)) return { code: CODE.notLoggedIn };
  const values: PostedValue[] = [];
  for (const [point, raw] of Object.entries(item.measurepoints)) {
    const type = device.points === null ? '' : device.points.get(point);
    const posted = split(raw, type);
    if (type === undefined || !posted) {
      if (rules.skipInvalid) continue;
      return { code: type === undefined ? CODE.undefinedPoint : CODE.malformed };
    }
    values.push({ device, point, timeMs: time, ...posted });
  }
  return { values };
}

/** `measurepoint/post` and `resume`: one object. */
export function judgePost(params: unknown, rules: PostRules): Judged {
  return judgeItem(params, rules);
}

/** `post/batch` and `resume/batch`: a list of items. */
export function judgeBatch(params: unknown, rules: PostRules): Judged {
  if (!Array.isArray(params)) return { code: CODE.malformed };
  const values: PostedValue[] = [];
  for (const item of params) {
    const judged = judgeItem(item, rules);
    if ('code' in judged) return judged;
    for (const value of judged.values) values.push(value);
  }
  return { values };
}
