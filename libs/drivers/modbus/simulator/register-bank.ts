import type { ModbusBank } from '@busbar/protocol-modbus';

export const SERIAL_AT = 200;
export const WRITABLE_AT = 300;
const MISSING_FROM = 5000;

/** A register's own value: no two addresses, tables or units have the same. */
export function registerValue(table: 'holding' | 'input', unit: number, address: number): number {
  return (address ^ (table === 'input' ? 0x5a00 : 0x2500) ^ (unit * 0x0101)) & 0xffff;
}

export function coilValue(table: 'coil' | 'discrete', address: number): boolean {
  return ((address * 2654435761) >>> (table === 'coil' ? 13 : 17)) % 3 === 0;
}

/** Registers that hold their own address, a counter of requests, and one place to write. */
export class RegisterBank implements ModbusBank {
  readonly unit: number;
  /** Requests so far; 32 bits in registers 200 and 201, so that an answer shows which request it belongs to. */
  serial = 0;
  readonly written: number[] = [];
  #held = 0;

  constructor(unit: number) {
    this.unit = unit;
  }

  readCoils(range: { address: number; quantity: number }, out: Uint8Array): number | null {
    return this.#bits('coil', range, out);
  }

  readDiscreteInputs(range: { address: number; quantity: number }, out: Uint8Array): number | null {
    return this.#bits('discrete', range, out);
  }

  readHoldingRegisters(range: { address: number; quantity: number }, out: Buffer): number | null {
    return this.#registers('holding', range, out);
  }

  readInputRegisters(range: { address: number; quantity: number }, out: Buffer): number | null {
    return this.#registers('input', range, out);
  }

  writeHoldingRegisters(range: { address: number; quantity: number }, octets: Buffer): number | null {
    if (range.address !== WRITABLE_AT || range.quantity !== 1) return 2;
    this.#held = octets.readUInt16BE(0);
    this.written.push(this.#held);
    return null;
  }

  #bits(table: 'coil' | 'discrete', range: { address: number; quantity: number }, out: Uint8Array): number | null {
    if (range.address + range.quantity > MISSING_FROM) return 2;
    for (let i = 0; i < range.quantity; i++) {
      if (coilValue(table, range.address + i)) out[i >> 3] = (out[i >> 3] as number) | (1 << (i & 7));
    }
    return null;
  }

  #registers(table: 'holding' | 'input', range: { address: number; quantity: number }, out: Buffer): number | null {
    if (range.address + range.quantity > MISSING_FROM) return 2;
    for (let i = 0; i < range.quantity; i++) {
      const address = range.address + i;
      let value = registerValue(table, this.unit, address);
      if (table === 'holding' && address === SERIAL_AT) value = this.serial >>> 16;
      if (table === 'holding' && address === SERIAL_AT + 1) value = this.serial & 0xffff;
      if (table === 'holding' && address === WRITABLE_AT) value = this.#held;
      out.writeUInt16BE(value, i * 2);
    }
    return null;
  }
}
