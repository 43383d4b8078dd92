import { EXCEPTION, MODBUS_LIMITS, type ModbusException } from './pdu.js';

/** (current AND `andMask`) OR (`orMask` AND NOT `andMask`), Modbus Application Protocol V1.1b3 §6.16. */
export interface MaskWrite {
  readonly fc: 22;
  readonly address: number;
  readonly andMask: number;
  readonly orMask: number;
}

/** The write comes before the read (§6.17). `octets` is a view. */
export interface ReadWriteMultiple {
  readonly fc: 23;
  readonly address: number;
  readonly quantity: number;
  readonly octets: Uint8Array;
  readonly read: { readonly address: number; readonly quantity: number };
}

export type MixedRequest = MaskWrite | ReadWriteMultiple;

function uint16(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
}

/**
 * Requests that read what they write, for servers that take them; exception 1 for any other function. Never throws:
 * what cannot be served comes back as the exception to answer.
 */
export function parseMixedRequest(pdu: Uint8Array): MixedRequest | ModbusException {
  const fc = pdu[0] ?? 0;
  const refused = (exception: number): ModbusException => ({ fc: fc & 0x7f, exception });
  if (fc === 22) {
    if (pdu.length !== 7) return refused(EXCEPTION.illegalValue);
    return { fc, address: uint16(pdu, 1), andMask: uint16(pdu, 3), orMask: uint16(pdu, 5) };
  }
  if (fc !== 23) return refused(EXCEPTION.illegalFunction);
  const read = { address: uint16(pdu, 1), quantity: uint16(pdu, 3) };
  const [address, quantity] = [uint16(pdu, 5), uint16(pdu, 7)];
  const isWhole = pdu.length >= 10 && pdu[9] === quantity * 2 && pdu.length === 10 + quantity * 2;
  const fits = (count: number, limit: number): boolean => count >= 1 && count <= limit;
  if (!isWhole || !fits(quantity, MODBUS_LIMITS.readWriteRegisters)) return refused(EXCEPTION.illegalValue);
  if (!fits(read.quantity, MODBUS_LIMITS.readRegisters)) return refused(EXCEPTION.illegalValue);
  if (address + quantity > 0x1_0000 || read.address + read.quantity > 0x1_0000)
    return refused(EXCEPTION.illegalAddress);
  return { fc, address, quantity, octets: pdu.subarray(10), read };
}
