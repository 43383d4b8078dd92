import { isAddressProblem, type Tag } from '@busbar/driver-sdk';
import type { TableConfig, TagConfig } from '@busbar/events';
import { canRead } from '@busbar/model';
import { isIntegerType } from './conversion.js';
import type { UntypedDriver } from './ports.js';

/** How a raw number becomes the value; see {@link CompiledTags.mode}. */
export const IDENTITY = 0;
export const DIVIDE = 1;
export const LINEAR = 2;
/** Added to the above: invalid codes, limits, scaleBy, or others scale by this tag. */
export const FULL = 4;

/** Tags in one order with their conversion as columns, shared by every device of the table. */
export interface CompiledTags {
  readonly configs: readonly TagConfig[];
  /** `index` is the place here. */
  readonly tags: readonly Tag<unknown>[];
  readonly handles: Uint32Array;
  readonly mode: Uint8Array;
  /** Divisor for DIVIDE, factor for LINEAR. */
  readonly scale: Float64Array;
  readonly offset: Float64Array;
  /** 1: the driver does not understand its address; never planned. */
  readonly isBroken: Uint8Array;
  /** 1: other tags take their power of ten from this one. */
  readonly isExponent: Uint8Array;
}

export interface CompiledTable {
  readonly config: TableConfig;
  readonly byNumber: ReadonlyMap<number, TagConfig>;
  /** Readable tags by group. */
  readonly groups: ReadonlyMap<string, CompiledTags>;
  /** One tag, readable or not, as the driver knows it; null if broken. */
  single(number: number): CompiledTags | null;
}

/** Stands for an address that could not be parsed. */
const BROKEN = Symbol('broken address');

function compileTags(pairs: readonly (readonly [TagConfig, unknown])[], exponents: ReadonlySet<number>): CompiledTags {
  const n = pairs.length;
  const mode = new Uint8Array(n);
  const scale = new Float64Array(n).fill(1);
  const offset = new Float64Array(n);
  const isExponent = new Uint8Array(n);
  const isBroken = Uint8Array.from(pairs, ([, address]) => (address === BROKEN ? 1 : 0));
  const handles = new Uint32Array(n);
  const tags = pairs.map(([config, address], index): Tag<unknown> => {
    handles[index] = config.number;
    offset[index] = config.offset;
    const divisor = Math.round(1 / config.scale);
    if (config.scale === 1 && config.offset === 0) mode[index] = IDENTITY;
    else if (isIntegerType(config.type) && config.offset === 0 && divisor > 1 && 1 / divisor === config.scale) {
      // Dividing two exact numbers rounds once: 498 / 10 is 49.8, 498 * 0.1 is not.
      mode[index] = DIVIDE;
      scale[index] = divisor;
    } else {
      mode[index] = LINEAR;
      scale[index] = config.scale;
    }
    if (exponents.has(config.number)) isExponent[index] = 1;
    const limited = config.min !== undefined || config.max !== undefined;
    if (limited || config.invalid.length > 0 || config.scaleBy !== undefined || isExponent[index] === 1) {
      mode[index] = (mode[index] as number) | FULL;
    }
    const { type, count, length, order, access, writeMode } = config;
    return { index, address, type, count, length, order, access, writeMode };
  });
  return { configs: pairs.map(([config]) => config), tags, handles, mode, scale, offset, isBroken, isExponent };
}

export function compileTable(config: TableConfig, driver: UntypedDriver): CompiledTable {
  const exponents = new Set(config.tags.flatMap((tag) => (tag.scaleBy === undefined ? [] : [tag.scaleBy])));
  const addresses = new Map<number, unknown>();
  const byNumber = new Map<number, TagConfig>();
  const groups = new Map<string, (readonly [TagConfig, unknown])[]>();
  for (const tag of config.tags) {
    byNumber.set(tag.number, tag);
    const parsed = driver.address.parse(tag.address, config.base);
    const address = isAddressProblem(parsed) ? BROKEN : parsed;
    if (address !== BROKEN) addresses.set(tag.number, address);
    if (!canRead(tag.access)) continue;
    const list = groups.get(tag.group);
    if (list) list.push([tag, address]);
    else groups.set(tag.group, [[tag, address]]);
  }
  return {
    config,
    byNumber,
    groups: new Map([...groups].map(([name, pairs]) => [name, compileTags(pairs, exponents)])),
    single(number) {
      const tag = byNumber.get(number);
      return tag && addresses.has(number) ? compileTags([[tag, addresses.get(number)]], exponents) : null;
    },
  };
}
