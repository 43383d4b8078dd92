import { setBit } from './bits.js';
import {
  buildResponse,
  EXCEPTION,
  isException,
  type ModbusException,
  type ModbusRequest,
  type ModbusResponse,
  parseRequest,
} from './pdu.js';

/** A checked range: 1 to the limit of the function, never beyond 65535. */
export interface AddressRange {
  readonly address: number;
  readonly quantity: number;
}

/** An exception code to answer, or null for done. */
export type BankAnswer = number | null;

/**
 * The memory behind a unit. A table that is absent is answered with exception 1, what a function throws with 4. `out`
 * comes zeroed; octets as on the wire. A write takes all of its range or nothing.
 */
export interface ModbusBank {
  readCoils?(range: AddressRange, out: Uint8Array): BankAnswer;
  readDiscreteInputs?(range: AddressRange, out: Uint8Array): BankAnswer;
  readHoldingRegisters?(range: AddressRange, out: Buffer): BankAnswer;
  readInputRegisters?(range: AddressRange, out: Buffer): BankAnswer;
  writeCoils?(range: AddressRange, octets: Uint8Array): BankAnswer;
  writeHoldingRegisters?(range: AddressRange, octets: Buffer): BankAnswer;
}

/** The reply PDU to a request PDU. Pure but for the bank; never throws, whatever the octets or the bank do. */
export function serve(bank: ModbusBank, pdu: Uint8Array): Buffer {
  const request = parseRequest(pdu);
  if (isException(request)) return buildResponse(request);
  try {
    return buildResponse(answer(bank, request));
  } catch {
    return buildResponse({ fc: request.fc, exception: EXCEPTION.deviceFailure });
  }
}

function answer(bank: ModbusBank, request: ModbusRequest): ModbusResponse {
  switch (request.fc) {
    case 1:
    case 2:
      return readBits(bank, request.fc, request);
    case 3:
    case 4:
      return readRegisters(bank, request.fc, request);
    default:
      return write(bank, request);
  }
}

function readBits(bank: ModbusBank, fc: 1 | 2, range: AddressRange): ModbusResponse {
  const octets = new Uint8Array((range.quantity + 7) >> 3);
  const code = answered(fc === 1 ? bank.readCoils?.(range, octets) : bank.readDiscreteInputs?.(range, octets));
  if (code !== null) return { fc, exception: code };
  for (let index = range.quantity; index < octets.length * 8; index++) setBit(octets, index, false);
  return { fc, octets };
}

function readRegisters(bank: ModbusBank, fc: 3 | 4, range: AddressRange): ModbusResponse {
  const octets = Buffer.alloc(range.quantity * 2);
  const code = answered(
    fc === 3 ? bank.readHoldingRegisters?.(range, octets) : bank.readInputRegisters?.(range, octets),
  );
  return code === null ? { fc, octets } : { fc, exception: code };
}

function write(bank: ModbusBank, request: Exclude<ModbusRequest, { fc: 1 | 2 | 3 | 4 }>): ModbusResponse {
  const code = answered(writeBank(bank, request));
  if (code !== null) return { fc: request.fc, exception: code } satisfies ModbusException;
  if (request.fc === 5 || request.fc === 6) return request;
  return { fc: request.fc, address: request.address, quantity: request.quantity };
}

function writeBank(bank: ModbusBank, request: Exclude<ModbusRequest, { fc: 1 | 2 | 3 | 4 }>): BankAnswer | undefined {
  const { address } = request;
  switch (request.fc) {
    case 5:
      return bank.writeCoils?.({ address, quantity: 1 }, Uint8Array.of(request.on ? 1 : 0));
    case 6:
      return bank.writeHoldingRegisters?.(
        { address, quantity: 1 },
        Buffer.from([request.value >> 8, request.value & 0xff]),
      );
    case 15:
      return bank.writeCoils?.({ address, quantity: request.quantity }, request.octets);
    case 16: {
      const { buffer, byteOffset, length } = request.octets;
      return bank.writeHoldingRegisters?.(
        { address, quantity: request.quantity },
        Buffer.from(buffer, byteOffset, length),
      );
    }
  }
}

/** `undefined`: the bank has no such table. */
function answered(code: BankAnswer | undefined): BankAnswer {
  return code === undefined ? EXCEPTION.illegalFunction : code;
}
