import type { ModbusBank } from '@busbar/protocol-modbus';

interface Range {
  readonly address: number;
  readonly quantity: number;
}

export const WRITABLE_AT = 3000;
/** Registers of a block of a hundred that hold the number of the request that reads them. */
export const SERIAL_OFFSET = 5;
const MISSING_FROM = 5000;

/** A register's own value: no two addresses, tables or units have the same. */
export function registerValue(table: 'holding' | 'input', unit: number, address: number): number {
  return (address ^ (table === 'input' ? 0x5a00 : 0x2500) ^ (unit * 0x0101)) & 0xffff;
}

export function coilValue(table: 'coil' | 'discrete', address: number): boolean {
  return ((address * 2654435761) >>> (table === 'coil' ? 13 : 17)) % 3 === 0;
}

/**
 * Registers that hold their own address; in each block of a hundred one that holds the number of the request, so that
 * an answer to an earlier request shows even if it was for the same block; and one place to write.
 */
export class RegisterBank implements ModbusBank {
  readonly unit: number;
  readonly written: number[] = [];
  #serial = 0;
  readonly #serials = new Map<string, number>();
  #held = 0;

  constructor(unit: number) {
    this.unit = unit;
  }

  /** The number of the last request that read this block. */
  serialOf(table: 'holding' | 'input', block: number): number {
    return this.#serials.get(`${table} ${block}`) ?? 0;
  }

  readCoils(range: Range, out: Uint8Array): number | null {
    return this.#bits('coil', range, out);
  }

  readDiscreteInputs(range: Range, out: Uint8Array): number | null {
    return this.#bits('discrete', range, out);
  }

  readHoldingRegisters(range: Range, out: Buffer): number | null {
    return this.#registers('holding', range, out);
  }

  readInputRegisters(range: Range, out: Buffer): number | null {
    return this.#registers('input', range, out);
  }

  writeHoldingRegisters(range: Range, octets: Buffer): number | null {
    if (range.address !== WRITABLE_AT || range.quantity !== 1) return 2;
    this.#held = octets.readUInt16BE(0);
    this.written.push(this.#held);
    return null;
  }

  #bits(table: 'coil' | 'discrete', range: Range, out: Uint8Array): number | null {
    if (range.address + range.quantity > MISSING_FROM) return 2;
    for (let i = 0; i < range.quantity; i++) {
      if (coilValue(table, range.address + i)) out[i >> 3] = (out[i >> 3] as number) | (1 << (i & 7));
    }
    return null;
  }

  #registers(table: 'holding' | 'input', range: Range, out: Buffer): number | null {
    if (range.address + range.quantity > MISSING_FROM) return 2;
    this.#serial = (this.#serial + 1) & 0xffff;
    for (let i = 0; i < range.quantity; i++) {
      const address = range.address + i;
      let value = registerValue(table, this.unit, address);
      if (address % 100 === SERIAL_OFFSET) {
        value = this.#serial;
        this.#serials.set(`${table} ${Math.floor(address / 100)}`, value);
      }
      if (table === 'holding' && address === WRITABLE_AT) value = this.#held;
      out.writeUInt16BE(value, i * 2);
    }
    return null;
  }
}
