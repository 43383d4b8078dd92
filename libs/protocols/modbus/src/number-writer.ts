import { BYTE_ORDERS, type ByteOrder } from '@busbar/model';

/** Number types of whole registers. */
export const REGISTER_TYPES = ['int16', 'uint16', 'int32', 'uint32', 'float32', 'int64', 'uint64', 'float64'] as const;
export type RegisterType = (typeof REGISTER_TYPES)[number];

const WORD = 2 ** 32;
const scratch = new DataView(new ArrayBuffer(8));

export function isRegisterType(type: string): type is RegisterType {
  return (REGISTER_TYPES as readonly string[]).includes(type);
}

/** Writes one number into registers at octet offset `at`, without allocation. */
export type NumberWriter = (octets: Uint8Array, at: number, value: number) => void;

const writers = new Map<string, NumberWriter>();

/**
 * The inverse of `readNumber` and `readInt64`, made once per type and order. Its caller has rounded the number and kept
 * it within the type; a NaN is written into floats alone.
 */
export function numberWriter(type: RegisterType, order: ByteOrder): NumberWriter {
  const key = `${type} ${order}`;
  const known = writers.get(key) ?? makeWriter(type, order);
  writers.set(key, known);
  return known;
}

function makeWriter(type: RegisterType, order: ByteOrder): NumberWriter {
  const spreadOver = (count: number, store: (value: number) => void): NumberWriter => {
    const layout = layoutOf(count, order);
    return (octets, at, value) => {
      store(value);
      for (let i = 0; i < count; i++) octets[at + (layout[i] as number)] = scratch.getUint8(i);
    };
  };
  switch (type) {
    case 'int16':
    case 'uint16':
      return spreadOver(2, (value) => scratch.setInt16(0, value));
    case 'int32':
    case 'uint32':
      return spreadOver(4, (value) => scratch.setInt32(0, value));
    case 'float32':
      return spreadOver(4, (value) => scratch.setFloat32(0, value));
    case 'float64':
      return spreadOver(8, (value) => scratch.setFloat64(0, value));
    default:
      return spreadOver(8, (value) => {
        // Halves instead of a bigint: a double divides by a power of two exactly.
        const high = Math.floor(value / WORD);
        scratch.setInt32(0, high);
        scratch.setUint32(4, value - high * WORD);
      });
  }
}

/** A 64-bit integer that a double does not hold exactly; of another size its lowest 64 bits. */
export function putInt64(octets: Uint8Array, at: number, value: bigint, order: ByteOrder): void {
  scratch.setBigUint64(0, BigInt.asUintN(64, value));
  const layout = layoutOf(8, order);
  for (let i = 0; i < 8; i++) octets[at + (layout[i] as number)] = scratch.getUint8(i);
}

/** Where the octets of a number stand, most significant first: registers reversed, their octets swapped, or both. */
function layoutOf(count: number, order: ByteOrder): Uint8Array {
  const kind = BYTE_ORDERS.indexOf(order);
  // ABCD CDAB BADC DCBA: bit 0 reverses registers, bit 1 swaps the octets of each.
  const last = (kind & 1) === 0 ? 0 : count - 2;
  const swap = kind >> 1;
  return Uint8Array.from({ length: count }, (_, i) => Math.abs(last - (i & ~1)) + ((i & 1) ^ swap));
}
