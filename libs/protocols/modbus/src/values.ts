import { BYTE_ORDERS, type ByteOrder, type TagType, type Value } from '@busbar/model';
import { shortestFloat32 } from './shortest-float.js';

/**
 * Registers and values. The octets of registers stand as on the wire: high octet first, register after register.
 * Orders reach over all octets of a number: ABCD as is, CDAB registers reversed, BADC octets of each register swapped,
 * DCBA both. Texts and octet strings only know the swap: nobody stores their registers backwards.
 */

/** Bits of one register, 0 the lowest. */
export interface BitRange {
  readonly low: number;
  readonly high: number;
}

export interface RegisterFormat {
  readonly type: TagType;
  readonly order: ByteOrder;
  /** More than 1: an array. */
  readonly count: number;
  /** Octets of string, bytes (needed) and bcd (default 2, at most 8). */
  readonly length: number | undefined;
  /** Only these bits of a single register. */
  readonly bits?: BitRange | undefined;
}

/** What a decoder gives and an encoder takes; bool as 0 or 1, bytes as hex text. */
export type RegisterValue = number | string | bigint;

const BOOL = 0;
const INT8 = 1;
const UINT8 = 2;
const INT16 = 3;
const UINT16 = 4;
const INT32 = 5;
const UINT32 = 6;
const FLOAT32 = 7;
const FLOAT64 = 8;
const KIND_TYPES: readonly TagType[] = [
  'bool',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'float32',
  'float64',
];

const REGISTERS: Readonly<Record<TagType, number>> = {
  bool: 1,
  int8: 1,
  uint8: 1,
  int16: 1,
  uint16: 1,
  int32: 2,
  uint32: 2,
  int64: 4,
  uint64: 4,
  float32: 2,
  float64: 4,
  bcd: 1,
  string: 1,
  bytes: 1,
};

const scratch = new DataView(new ArrayBuffer(8));
const floatScratch = new Float32Array(1);
const bitScratch = new Int32Array(floatScratch.buffer);
const utf8 = new TextDecoder('utf-8', { fatal: true });
const latin1 = new TextDecoder('latin1');
const encoder = new TextEncoder();

/** Registers of one element; `length` in octets for string, bytes, bcd. */
export function registersPerElement(type: TagType, length: number | undefined): number {
  if (type === 'string' || type === 'bytes' || type === 'bcd') return Math.ceil((length ?? 2) / 2);
  return REGISTERS[type];
}

/** Registers of the whole tag. */
export function registerCount(format: RegisterFormat): number {
  return registersPerElement(format.type, format.length) * format.count;
}

function swapsOctets(order: ByteOrder): boolean {
  return order === 'BADC' || order === 'DCBA';
}

/**
 * A small integer that names type and order for {@link readNumber}, made once per tag; -1 for types that are read by
 * {@link decodeValue} alone (64-bit integers, bcd, string, bytes).
 */
export function numberKind(type: TagType, order: ByteOrder): number {
  const index = KIND_TYPES.indexOf(type);
  return index < 0 ? -1 : index * 4 + BYTE_ORDERS.indexOf(order);
}

function gather16(octets: Uint8Array, at: number, order: number): number {
  return order < 2
    ? ((octets[at] as number) << 8) | (octets[at + 1] as number)
    : ((octets[at + 1] as number) << 8) | (octets[at] as number);
}

function gather32(octets: Uint8Array, at: number, order: number): number {
  const a = octets[at] as number;
  const b = octets[at + 1] as number;
  const c = octets[at + 2] as number;
  const d = octets[at + 3] as number;
  switch (order) {
    case 0:
      return (a << 24) | (b << 16) | (c << 8) | d;
    case 1:
      return (c << 24) | (d << 16) | (a << 8) | b;
    case 2:
      return (b << 24) | (a << 16) | (d << 8) | c;
    default:
      return (d << 24) | (c << 16) | (b << 8) | a;
  }
}

/** Loads 8 octets into the scratch view, big endian. */
function gather64(octets: Uint8Array, at: number, order: number): void {
  const wordsReversed = order === 1 || order === 3;
  scratch.setInt32(wordsReversed ? 4 : 0, gather32(octets, at, order));
  scratch.setInt32(wordsReversed ? 0 : 4, gather32(octets, at + 4, order));
}

/**
 * One number from registers, without allocation. A Float32 comes as its shortest decimal.
 * @param kind of {@link numberKind}, not -1.
 * @param at octet offset of the first register; the caller has checked that the octets are there.
 */
export function readNumber(kind: number, octets: Uint8Array, at: number): number {
  const order = kind & 3;
  switch (kind >> 2) {
    case FLOAT32:
      bitScratch[0] = gather32(octets, at, order);
      return shortestFloat32(floatScratch[0] as number);
    case UINT16:
      return gather16(octets, at, order);
    case INT16:
      return (gather16(octets, at, order) << 16) >> 16;
    case UINT32:
      return gather32(octets, at, order) >>> 0;
    case INT32:
      return gather32(octets, at, order);
    case FLOAT64:
      gather64(octets, at, order);
      return scratch.getFloat64(0);
    case BOOL:
      return gather16(octets, at, order) === 0 ? 0 : 1;
    case UINT8:
      return gather16(octets, at, order) & 0xff;
    case INT8:
      return (gather16(octets, at, order) << 24) >> 24;
    default:
      return Number.NaN;
  }
}

/** Bits `low` to `high` of the register at octet offset `at`. */
export function readBits(
  octets: Uint8Array,
  at: number,
  { bits, order }: { readonly bits: BitRange; readonly order: ByteOrder },
): number {
  const register = gather16(octets, at, swapsOctets(order) ? 2 : 0);
  return (register >> bits.low) & (2 ** (bits.high - bits.low + 1) - 1);
}

/** Coil or discrete input number `index` of a reply, 0 or 1 (Modbus Application Protocol V1.1b §6.1: lowest bit first). */
export function readCoil(octets: Uint8Array, at: number, index: number): number {
  return ((octets[at + (index >> 3)] as number) >> (index & 7)) & 1;
}

export function readInt64(
  octets: Uint8Array,
  at: number,
  { type, order }: { readonly type: 'int64' | 'uint64'; readonly order: ByteOrder },
): bigint {
  gather64(octets, at, BYTE_ORDERS.indexOf(order));
  return type === 'int64' ? scratch.getBigInt64(0) : scratch.getBigUint64(0);
}

interface Ordering {
  readonly registers: number;
  readonly order: ByteOrder;
  /** False: the registers themselves are never reversed (texts and octet strings). */
  readonly words: boolean;
}

/** The octets of whole registers in reading order. */
function ordered(octets: Uint8Array, at: number, how: Ordering): Uint8Array {
  const { registers, order, words } = how;
  const result = new Uint8Array(registers * 2);
  const backwards = words && (order === 'CDAB' || order === 'DCBA');
  const swap = swapsOctets(order) ? 1 : 0;
  for (let i = 0; i < registers; i++) {
    const from = at + (backwards ? registers - 1 - i : i) * 2;
    result[i * 2] = octets[from + swap] as number;
    result[i * 2 + 1] = octets[from + 1 - swap] as number;
  }
  return result;
}

/** Binary coded decimal, right-aligned in its registers; NaN when a digit is none or the number is not exact. */
function readBcd(octets: Uint8Array, at: number, { length = 2, order }: RegisterFormat): number {
  const registers = Math.ceil(length / 2);
  const digits = ordered(octets, at, { registers, order, words: true });
  let value = 0;
  for (let i = registers * 2 - length; i < digits.length; i++) {
    const octet = digits[i] as number;
    if (octet >> 4 > 9 || (octet & 15) > 9) return Number.NaN;
    value = value * 100 + (octet >> 4) * 10 + (octet & 15);
  }
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

function readText(octets: Uint8Array, at: number, { length = 2, order }: RegisterFormat): string {
  const all = ordered(octets, at, { registers: Math.ceil(length / 2), order, words: false }).subarray(0, length);
  const zero = all.indexOf(0);
  const used = zero < 0 ? all : all.subarray(0, zero);
  let text: string;
  try {
    text = utf8.decode(used);
  } catch {
    text = latin1.decode(used);
  }
  return text.replace(/ +$/, '');
}

function decodeElement(format: RegisterFormat, octets: Uint8Array, at: number): RegisterValue {
  const { type, order } = format;
  switch (type) {
    case 'int64':
    case 'uint64':
      return readInt64(octets, at, { type, order });
    case 'bcd':
      return readBcd(octets, at, format);
    case 'string':
      return readText(octets, at, format);
    case 'bytes': {
      const length = format.length ?? 2;
      const all = ordered(octets, at, { registers: Math.ceil(length / 2), order, words: false }).subarray(0, length);
      return Array.from(all, (octet) => octet.toString(16).padStart(2, '0')).join('');
    }
    default:
      return readNumber(numberKind(type, order), octets, at);
  }
}

/** The value of any format; the caller has checked that {@link registerCount} registers stand at `at`. */
export function decodeValue(format: RegisterFormat, octets: Uint8Array, at: number): RegisterValue | RegisterValue[] {
  if (format.bits) return readBits(octets, at, { bits: format.bits, order: format.order });
  if (format.count === 1) return decodeElement(format, octets, at);
  const step = registersPerElement(format.type, format.length) * 2;
  return Array.from({ length: format.count }, (_, i) => decodeElement(format, octets, at + i * step));
}

const LIMITS: Partial<Record<TagType, readonly [number, number]>> = {
  bool: [0, 1],
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
};

/** Puts big-endian octets into registers by order; fewer octets than registers hold are right-aligned for numbers. */
function toRegisters(octets: Uint8Array, how: Ordering): Uint8Array {
  const padded = new Uint8Array(how.registers * 2);
  padded.set(octets, how.words ? padded.length - octets.length : 0);
  return ordered(padded, 0, how);
}

function encodeInteger(type: TagType, value: number): Uint8Array | null {
  const limits = LIMITS[type];
  if (!limits || !Number.isInteger(value) || value < limits[0] || value > limits[1]) return null;
  const wide = type === 'int32' || type === 'uint32';
  const octets = new Uint8Array(wide ? 4 : 2);
  const view = new DataView(octets.buffer);
  if (wide) view.setInt32(0, value);
  else view.setInt16(0, type === 'int8' ? value & 0xff : value);
  return octets;
}

function encodeNumber(type: TagType, value: number, length: number): Uint8Array | null {
  if (type === 'float32') {
    if (!Number.isFinite(Math.fround(value))) return null;
    scratch.setFloat32(0, value);
    return new Uint8Array(scratch.buffer.slice(0, 4));
  }
  if (type === 'float64') {
    if (!Number.isFinite(value)) return null;
    scratch.setFloat64(0, value);
    return new Uint8Array(scratch.buffer.slice(0, 8));
  }
  if (type !== 'bcd') return encodeInteger(type, value);
  if (!Number.isSafeInteger(value) || value < 0 || value >= 100 ** length) return null;
  const digits = String(value).padStart(length * 2, '0');
  return Uint8Array.from({ length }, (_, i) => Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16));
}

function encodeElement(format: RegisterFormat, value: RegisterValue): Uint8Array | null {
  const { type, order } = format;
  const length = format.length ?? 2;
  const registers = registersPerElement(type, format.length);
  if (type === 'int64' || type === 'uint64') {
    if (typeof value === 'string' || (typeof value === 'number' && !Number.isInteger(value))) return null;
    const whole = BigInt(value);
    if ((type === 'int64' ? BigInt.asIntN(64, whole) : BigInt.asUintN(64, whole)) !== whole) return null;
    scratch.setBigInt64(0, BigInt.asIntN(64, whole));
    return toRegisters(new Uint8Array(scratch.buffer.slice(0)), { registers, order, words: true });
  }
  if (type === 'string') {
    if (typeof value !== 'string') return null;
    const octets = encoder.encode(value);
    return octets.length > length ? null : toRegisters(octets, { registers, order, words: false });
  }
  if (type === 'bytes') {
    if (typeof value !== 'string' || value.length !== length * 2 || !/^[0-9a-f]*$/i.test(value)) return null;
    const octets = Uint8Array.from({ length }, (_, i) => Number.parseInt(value.slice(i * 2, i * 2 + 2), 16));
    return toRegisters(octets, { registers, order, words: false });
  }
  if (typeof value !== 'number') return null;
  const octets = encodeNumber(type, value, length);
  return octets && toRegisters(octets, { registers, order, words: true });
}

/** Registers for a value, or null if it is none of this format: out of range, too long, of another type. */
export function encodeValue(format: RegisterFormat, value: Value | readonly RegisterValue[]): Uint8Array | null {
  if (format.bits) return null;
  const elements = Array.isArray(value) ? value : [typeof value === 'boolean' ? Number(value) : value];
  if (elements.length !== format.count) return null;
  const step = registersPerElement(format.type, format.length) * 2;
  const all = new Uint8Array(step * format.count);
  for (let i = 0; i < elements.length; i++) {
    const octets = encodeElement(format, elements[i]);
    if (!octets) return null;
    all.set(octets, i * step);
  }
  return all;
}
