import type { PlannedRequest, Tag } from '@busbar/driver-sdk';
import { MODBUS_LIMITS, numberKind, type RegisterFormat, registerCount } from '@busbar/protocol-modbus';
import type { ModbusAddress, ModbusTable } from './address.js';
import { type ForbiddenRange, type ModbusDevice, type ModbusQuirks, parseForbidden } from './connection.js';

export type ReadFunction = 1 | 2 | 3 | 4;

/** What to do with the octets of an answer, as columns: no object per value on the way. */
export interface ReadItems {
  readonly tags: Int32Array;
  /** A kind of {@link numberKind}; BIT: a coil; FORMAT: see `formats`. */
  readonly kinds: Int8Array;
  /** Octets from the first register; bits from the first coil. */
  readonly at: Int32Array;
  readonly formats: readonly (RegisterFormat | null)[];
}

export const BIT = -1;
export const FORMAT = -2;

export interface PlannedRead extends PlannedRequest {
  readonly fc: ReadFunction;
  readonly unit: number;
  readonly address: number;
  readonly quantity: number;
  readonly pauseMs: number;
  readonly items: ReadItems;
}

const FUNCTIONS: Readonly<Record<ModbusTable, ReadFunction>> = { coil: 1, discrete: 2, holding: 3, input: 4 };
const TABLE_ORDER: readonly ModbusTable[] = ['coil', 'discrete', 'input', 'holding'];

type ModbusTag = Tag<ModbusAddress>;

interface Place {
  readonly tag: ModbusTag;
  readonly from: number;
  /** One beyond the last. */
  readonly to: number;
}

function isBitTable(table: ModbusTable): boolean {
  return table === 'coil' || table === 'discrete';
}

export function formatOf(tag: Pick<ModbusTag, 'address' | 'type' | 'order' | 'count' | 'length'>): RegisterFormat {
  const { bits, table } = tag.address;
  const single = isBitTable(table) || (bits !== undefined && bits.high === bits.low);
  const type = tag.type ?? (single ? 'bool' : 'uint16');
  return { type, order: tag.order, count: tag.count, length: tag.length, bits };
}

function place(tag: ModbusTag): Place {
  const { table, offset, bits } = tag.address;
  const size = isBitTable(table) ? tag.count : bits ? 1 : registerCount(formatOf(tag));
  return { tag, from: offset, to: offset + size };
}

function touches(forbidden: readonly ForbiddenRange[], from: number, to: number): boolean {
  return forbidden.some((range) => range.from < to && range.to >= from);
}

/** Tags that stand close enough together go into one request (reference: read coalescing); no value is cut in two. */
function toBlocks(
  places: readonly Place[],
  limits: { readonly size: number; readonly gap: number },
  forbidden: readonly ForbiddenRange[],
): Place[][] {
  const blocks: Place[][] = [];
  let block: Place[] = [];
  let from = 0;
  let to = 0;
  for (const next of places) {
    if (next.to - next.from > limits.size || touches(forbidden, next.from, next.to)) continue;
    const end = Math.max(to, next.to);
    const fits = next.from - to <= limits.gap && end - from <= limits.size;
    if (block.length > 0 && fits && (next.from <= to || !touches(forbidden, to, next.from))) {
      block.push(next);
      to = end;
      continue;
    }
    block = [next];
    blocks.push(block);
    from = next.from;
    to = next.to;
  }
  return blocks;
}

function toItems(block: readonly Place[], start: number, isBit: boolean): ReadItems {
  const n = block.length;
  const tags = new Int32Array(n);
  const kinds = new Int8Array(n);
  const at = new Int32Array(n);
  const formats: (RegisterFormat | null)[] = [];
  block.forEach(({ tag, from }, i) => {
    tags[i] = tag.index;
    at[i] = isBit ? from - start : (from - start) * 2;
    const format = formatOf(tag);
    const kind = isBit ? BIT : numberKind(format.type, format.order);
    const plain = tag.count === 1 && !format.bits && (isBit || kind >= 0);
    kinds[i] = plain ? kind : FORMAT;
    formats.push(plain ? null : format);
  });
  return { tags, kinds, at, formats };
}

function toRequest(table: ModbusTable, block: readonly Place[], device: ModbusDevice, pauseMs: number): PlannedRead {
  const address = (block[0] as Place).from;
  const quantity = block.reduce((end, one) => Math.max(end, one.to), 0) - address;
  return {
    tags: block.map((one) => one.tag.index),
    text: `read ${table} ${address}${quantity > 1 ? `..${address + quantity - 1}` : ''}`,
    fc: FUNCTIONS[table],
    unit: device.unitId,
    address,
    quantity,
    pauseMs,
    items: toItems(block, address, isBitTable(table)),
  };
}

/** Pure; the order of the tags does not matter. A tag that is forbidden, or larger than a block, is in no request. */
export function planRequests(input: {
  readonly device: ModbusDevice;
  readonly quirks: ModbusQuirks;
  readonly tags: readonly ModbusTag[];
}): readonly PlannedRead[] {
  const { device, quirks } = input;
  const forbidden = quirks.forbid.flatMap((text) => parseForbidden(text) ?? []);
  return TABLE_ORDER.flatMap((table) => {
    const isBit = isBitTable(table);
    const places = input.tags
      .filter((tag) => tag.address.table === table)
      .map(place)
      .sort((a, b) => a.from - b.from || a.to - b.to || a.tag.index - b.tag.index);
    const limits = isBit
      ? { size: Math.min(MODBUS_LIMITS.readBits, quirks.maxBlock * 16), gap: quirks.maxGap * 16 }
      : { size: quirks.maxBlock, gap: quirks.maxGap };
    const here = forbidden.filter((range) => range.table === table);
    return toBlocks(places, limits, here).map((block) => toRequest(table, block, device, quirks.pauseBetween));
  });
}
