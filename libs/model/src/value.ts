/** A value outside a batch: number, text, 64-bit integer or bool. In JSON a 64-bit integer is a decimal text. */
export type Value = number | string | bigint | boolean;

/** Types of a tag, as written in a point table. An array is `float32[10]`. */
export const TAG_TYPES = [
  'bool',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'float32',
  'float64',
  'bcd',
  'string',
  'bytes',
] as const;
export type TagType = (typeof TAG_TYPES)[number];

/** Byte orders: capital letters name the octets of a 32-bit value, most significant first. */
export const BYTE_ORDERS = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const;
export type ByteOrder = (typeof BYTE_ORDERS)[number];

export const POINT_TYPES = [
  'bool',
  'int',
  'long',
  'float',
  'double',
  'string',
  'enum',
  'date',
  'timestamp',
  'array',
  'struct',
  'file',
  'raw',
] as const;
export type PointType = (typeof POINT_TYPES)[number];

export type Access = 'r' | 'w' | 'rw';

export function canRead(access: Access): boolean {
  return access !== 'w';
}

export function canWrite(access: Access): boolean {
  return access !== 'r';
}
