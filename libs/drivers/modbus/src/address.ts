import type { AddressFormat, AddressProblem, TagShape } from '@busbar/driver-sdk';
import { canRead, canWrite } from '@busbar/model';
import { type BitRange, MODBUS_LIMITS, registerCount } from '@busbar/protocol-modbus';

export type ModbusTable = 'coil' | 'discrete' | 'input' | 'holding';

export interface ModbusAddress {
  readonly table: ModbusTable;
  /** 0 to 65535, as on the wire. */
  readonly offset: number;
  /** Only these bits of a register, 0 the lowest. */
  readonly bits?: BitRange;
}

const FORM = /^(coil|discrete|input|holding):(\d+|0x[0-9a-f]+)(?:\.(\d+)(?:-(\d+))?)?$/i;
/** Data model numbers: first digit the table, the rest counted from 1 (Modbus Application Protocol §4.4). */
const CLASSIC = /^([0134])(?:x(\d{1,5})|(\d{4,5}))$/i;
const CLASSIC_TABLES: Readonly<Record<string, ModbusTable>> = { 0: 'coil', 1: 'discrete', 3: 'input', 4: 'holding' };
const HOW = 'Write coil:, discrete:, input: or holding: and 0 to 65535, with .3 or .4-7 for bits of a register.';

function wrong(reason: string, fix = HOW): { readonly problem: AddressProblem } {
  return { problem: { code: 'TAG_ADDRESS', reason, fix } };
}

function parseClassic(text: string, match: RegExpExecArray): ModbusAddress | { readonly problem: AddressProblem } {
  // `0x10` may be hex or coil 10: whoever guesses reads a wrong value.
  if (/^0x/i.test(text)) return wrong(`${text} can be read in two ways`);
  const number = Number(match[2] ?? match[3]);
  if (number < 1 || number > 65536) return wrong(`${text} is none: these numbers count from 1 to 65536`);
  return { table: CLASSIC_TABLES[match[1] as string] as ModbusTable, offset: number - 1 };
}

export function parseAddress(text: string, base: 0 | 1): ModbusAddress | { readonly problem: AddressProblem } {
  const trimmed = text.trim();
  const classic = CLASSIC.exec(trimmed);
  if (classic) return parseClassic(trimmed, classic);
  const match = FORM.exec(trimmed);
  if (!match) return wrong(`${text} is no Modbus address`);
  const table = (match[1] as string).toLowerCase() as ModbusTable;
  const offset = Number(match[2]) - base;
  if (offset < 0 || offset > 65535) {
    return wrong(`${match[2]} is out of range`, `Addresses of this table go from ${base} to ${65535 + base}.`);
  }
  if (match[3] === undefined) return { table, offset };
  const low = Number(match[3]);
  const high = match[4] === undefined ? low : Number(match[4]);
  if (table === 'coil' || table === 'discrete') return wrong(`a ${table} has no bits`, `Leave out .${match[3]}.`);
  if (high > 15 || high < low) return wrong(`bits ${low}-${high} are none of a register`, 'Bits go from 0 to 15.');
  return { table, offset, bits: { low, high } };
}

export function formatAddress({ table, offset, bits }: ModbusAddress): string {
  if (!bits) return `${table}:${offset}`;
  return bits.low === bits.high ? `${table}:${offset}.${bits.low}` : `${table}:${offset}.${bits.low}-${bits.high}`;
}

function problem(code: AddressProblem['code'], reason: string, fix: string): AddressProblem {
  return { code, reason, fix };
}

function checkBit(tag: TagShape): AddressProblem | null {
  if (tag.type !== undefined && tag.type !== 'bool') {
    return problem('TAG_TYPE', `a coil or discrete input is no ${tag.type}`, 'Use bool, or leave the type out.');
  }
  if (tag.count > MODBUS_LIMITS.readBits) return problem('TAG_LENGTH', `${tag.count} bits`, 'At most 2000.');
  return null;
}

function checkBits(bits: BitRange, tag: TagShape): AddressProblem | null {
  const width = bits.high - bits.low + 1;
  if (tag.count > 1) return problem('TAG_TYPE', 'bits are no array', 'Use one tag per range of bits.');
  const fits = { bool: 1, uint8: 8, uint16: 16, uint32: 32 };
  const type = tag.type ?? (width === 1 ? 'bool' : 'uint16');
  if (type in fits && fits[type as keyof typeof fits] >= width) return null;
  return problem('TAG_TYPE', `${width} bits are no ${type}`, width === 1 ? 'Use bool.' : 'Use uint8 or uint16.');
}

function checkRegisters(tag: TagShape): AddressProblem | null {
  const { type, length } = tag;
  if (type === undefined) return problem('TAG_TYPE', 'a register has no type of its own', 'State one, like uint16.');
  if ((type === 'string' || type === 'bytes') && length === undefined) {
    return problem('TAG_LENGTH', `a ${type} needs its length`, 'State its octets, two per register.');
  }
  if (type === 'bcd' && (length ?? 2) > 8) return problem('TAG_LENGTH', `${length} octets of bcd`, 'At most 8.');
  const registers = registerCount({ ...tag, type });
  const most = canWrite(tag.access) ? MODBUS_LIMITS.writeRegisters : MODBUS_LIMITS.readRegisters;
  if (registers > most) return problem('TAG_LENGTH', `${registers} registers in one tag`, `At most ${most}.`);
  return null;
}

function checkAccess(address: ModbusAddress, tag: TagShape, registers: number): AddressProblem | null {
  if (!canWrite(tag.access)) return null;
  if (address.table === 'input' || address.table === 'discrete') {
    return problem(
      'TAG_ACCESS',
      `${address.table} is read-only in Modbus`,
      'Use access r, or a coil or holding register.',
    );
  }
  if (address.bits) {
    return problem('TAG_ACCESS', 'bits of a register cannot be written', 'Use access r, or write the whole register.');
  }
  if (tag.writeMode !== undefined && tag.writeMode !== 'single' && tag.writeMode !== 'multiple') {
    return problem('TAG_ACCESS', `${tag.writeMode} is no way to write`, 'writeMode is single or multiple.');
  }
  if (tag.writeMode === 'single' && registers > 1) {
    return problem('TAG_ACCESS', `${registers} registers are not written by one single write`, 'Use multiple.');
  }
  return null;
}

function check(address: ModbusAddress, tag: TagShape): AddressProblem | null {
  const isBit = address.table === 'coil' || address.table === 'discrete';
  let found: AddressProblem | null;
  if (isBit) found = checkBit(tag);
  else if (address.bits) found = checkBits(address.bits, tag);
  else found = checkRegisters(tag);
  if (found) return found;
  const size = isBit || address.bits ? tag.count : registerCount({ ...tag, type: tag.type ?? 'uint16' });
  if (address.offset + size > 65536) {
    return problem(
      'TAG_ADDRESS',
      `${formatAddress(address)} and ${size} more end beyond 65535`,
      'Correct address or type.',
    );
  }
  if (!canRead(tag.access) && tag.count > 1 && isBit && tag.count > MODBUS_LIMITS.writeCoils) {
    return problem('TAG_LENGTH', `${tag.count} coils in one write`, `At most ${MODBUS_LIMITS.writeCoils}.`);
  }
  return checkAccess(address, tag, size);
}

export const modbusAddress: AddressFormat<ModbusAddress> = {
  examples: ['coil:12', 'discrete:3', 'input:72', 'holding:32080', 'holding:40.3', 'holding:40.4-7'],
  parse: parseAddress,
  format: formatAddress,
  check,
};
