/** How the value of an information element lies on the wire, and which values it takes. */
export interface ValueCodec {
  readonly min: number;
  readonly max: number;
  /** Only whole numbers. */
  readonly isWhole: boolean;
  /** Exact for every bit pattern, save that NaN patterns are one. */
  read(octets: Uint8Array, at: number): number;
  /** Of a value within the limits. Leaves the other fields of a shared octet. */
  write(octets: Uint8Array, at: number, value: number): void;
}

const FLOAT_MAX = 3.4028234663852886e38;
const NORMALIZED_UNIT = 32768;
const scratch = new DataView(new ArrayBuffer(4));

function readUint16(octets: Uint8Array, at: number): number {
  return (octets[at] ?? 0) | ((octets[at + 1] ?? 0) << 8);
}

function readInt16(octets: Uint8Array, at: number): number {
  return (readUint16(octets, at) << 16) >> 16;
}

function writeUint16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value & 0xff;
  octets[at + 1] = (value >> 8) & 0xff;
}

function readInt32(octets: Uint8Array, at: number): number {
  return readUint16(octets, at) | (readUint16(octets, at + 2) << 16);
}

function writeInt32(octets: Uint8Array, at: number, value: number): void {
  writeUint16(octets, at, value & 0xffff);
  writeUint16(octets, at + 2, (value >> 16) & 0xffff);
}

/** A field in the lowest bits of an octet; the rest of the octet belongs to others. */
function lowBits(mask: number): ValueCodec {
  return {
    min: 0,
    max: mask,
    isWhole: true,
    read: (octets, at) => (octets[at] ?? 0) & mask,
    write: (octets, at, value) => {
      octets[at] = ((octets[at] ?? 0) & ~mask) | value;
    },
  };
}

export const VALUE_CODEC = {
  bit: lowBits(0x01),
  twoBits: lowBits(0x03),
  fourBits: lowBits(0x0f),
  sixBits: lowBits(0x3f),
  octet: lowBits(0xff),
  /** VTI (§7.2.6.5): 7 bits with sign; bit 7 is the transient mark. */
  step: {
    min: -64,
    max: 63,
    isWhole: true,
    read: (octets, at) => ((octets[at] ?? 0) << 25) >> 25,
    write: (octets, at, value) => {
      octets[at] = ((octets[at] ?? 0) & 0x80) | (value & 0x7f);
    },
  },
  /** NVA (§7.2.6.6): -1 to 1 - 2^-15; 1 itself is taken as the largest. */
  normalized: {
    min: -1,
    max: 1,
    isWhole: false,
    read: (octets, at) => readInt16(octets, at) / NORMALIZED_UNIT,
    write: (octets, at, value) => writeUint16(octets, at, Math.min(Math.round(value * NORMALIZED_UNIT), 32767)),
  },
  scaled: { min: -32768, max: 32767, isWhole: true, read: readInt16, write: writeUint16 },
  uint16: { min: 0, max: 0xffff, isWhole: true, read: readUint16, write: writeUint16 },
  int32: { min: -0x8000_0000, max: 0x7fff_ffff, isWhole: true, read: readInt32, write: writeInt32 },
  uint32: {
    min: 0,
    max: 0xffff_ffff,
    isWhole: true,
    read: (octets, at) => readInt32(octets, at) >>> 0,
    write: writeInt32,
  },
  float: {
    min: -FLOAT_MAX,
    max: FLOAT_MAX,
    isWhole: false,
    read: (octets, at) => {
      scratch.setInt32(0, readInt32(octets, at));
      return scratch.getFloat32(0);
    },
    write: (octets, at, value) => {
      scratch.setFloat32(0, value);
      writeInt32(octets, at, scratch.getInt32(0));
    },
  },
} as const satisfies Record<string, ValueCodec>;

/** Whether the value goes onto the wire as it is, save for the rounding of a fraction to its resolution. */
export function isCarried(codec: ValueCodec, value: number): boolean {
  return value >= codec.min && value <= codec.max && (!codec.isWhole || Number.isInteger(value));
}
