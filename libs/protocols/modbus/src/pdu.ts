import { BusbarError } from '@busbar/errors';

/** Modbus Application Protocol V1.1b3 §6: largest quantities, so that a PDU never exceeds 253 octets. */
export const MODBUS_LIMITS = {
  pduOctets: 253,
  readBits: 2000,
  readRegisters: 125,
  writeCoils: 1968,
  writeRegisters: 123,
  readWriteRegisters: 121,
} as const;

export const EXCEPTION = {
  illegalFunction: 1,
  illegalAddress: 2,
  illegalValue: 3,
  deviceFailure: 4,
  acknowledge: 5,
  busy: 6,
  gatewayPathUnavailable: 10,
  gatewayTargetSilent: 11,
} as const;

const FUNCTION_NAMES: Readonly<Record<number, string>> = {
  1: 'read coils',
  2: 'read discrete inputs',
  3: 'read holding registers',
  4: 'read input registers',
  5: 'write single coil',
  6: 'write single register',
  15: 'write multiple coils',
  16: 'write multiple registers',
  22: 'mask write register',
  23: 'read/write multiple registers',
};

const EXCEPTION_NAMES: Readonly<Record<number, string>> = {
  1: 'illegal function',
  2: 'illegal data address',
  3: 'illegal data value',
  4: 'device failure',
  5: 'acknowledge',
  6: 'busy',
  7: 'negative acknowledge',
  8: 'memory parity error',
  10: 'gateway path unavailable',
  11: 'gateway target failed to respond',
};

/** For people: `read holding registers`; an unknown code is `function 43`. */
export function functionName(fc: number): string {
  return FUNCTION_NAMES[fc] ?? `function ${fc}`;
}

/** For people: `illegal data address`; an unknown code is `exception 9`. */
export function exceptionName(code: number): string {
  return EXCEPTION_NAMES[code] ?? `exception ${code}`;
}

export interface ReadRequest {
  readonly fc: 1 | 2 | 3 | 4;
  readonly address: number;
  readonly quantity: number;
}

/** Request and reply are the same octets (§6.5). */
export interface SingleCoilWrite {
  readonly fc: 5;
  readonly address: number;
  readonly on: boolean;
}

/** Request and reply are the same octets (§6.6). */
export interface SingleRegisterWrite {
  readonly fc: 6;
  readonly address: number;
  readonly value: number;
}

/** `octets` as on the wire: coils packed from the lowest bit (15), registers high octet first (16). */
export interface MultipleWrite {
  readonly fc: 15 | 16;
  readonly address: number;
  readonly quantity: number;
  readonly octets: Uint8Array;
}

export type ModbusRequest = ReadRequest | SingleCoilWrite | SingleRegisterWrite | MultipleWrite;

/** `octets` as on the wire; of a bit read the last octet is padded with zeros. */
export interface ReadResponse {
  readonly fc: 1 | 2 | 3 | 4;
  readonly octets: Uint8Array;
}

export interface MultipleWriteResponse {
  readonly fc: 15 | 16;
  readonly address: number;
  readonly quantity: number;
}

/** `fc` without the high bit. */
export interface ModbusException {
  readonly fc: number;
  readonly exception: number;
}

export type ModbusResponse =
  | ReadResponse
  | SingleCoilWrite
  | SingleRegisterWrite
  | MultipleWriteResponse
  | ModbusException;

/** Octets that are no PDU; `reason` for the log. */
export interface Malformed {
  readonly malformed: string;
}

export function isException(pdu: ModbusRequest | ModbusResponse | Malformed): pdu is ModbusException {
  return 'exception' in pdu;
}

export function isMalformed(pdu: ModbusResponse | Malformed): pdu is Malformed {
  return 'malformed' in pdu;
}

function isUint16(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffff;
}

function uint16(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
}

function readLimit(fc: number): number {
  return fc <= 2 ? MODBUS_LIMITS.readBits : MODBUS_LIMITS.readRegisters;
}

/** Octets that carry `quantity` bits or registers under this function. */
function dataOctets(fc: number, quantity: number): number {
  return fc === 1 || fc === 2 || fc === 15 ? (quantity + 7) >> 3 : quantity * 2;
}

/** The exception that a server answers to such a range (§7), or null; value before address, as the state diagrams of §6. */
function rangeException(address: number, quantity: number, limit: number): number | null {
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > limit) return EXCEPTION.illegalValue;
  return isUint16(address) && address + quantity <= 0x1_0000 ? null : EXCEPTION.illegalAddress;
}

/**
 * What a client asks. Never throws: what cannot be served comes back as the exception to answer (1 unknown function,
 * 2 beyond address 65535, 3 structure or quantity). `octets` is a view into `pdu`.
 */
export function parseRequest(pdu: Uint8Array): ModbusRequest | ModbusException {
  const fc = pdu[0] ?? 0;
  const address = uint16(pdu, 1);
  const second = uint16(pdu, 3);
  switch (fc) {
    case 1:
    case 2:
    case 3:
    case 4: {
      if (pdu.length !== 5) return { fc, exception: EXCEPTION.illegalValue };
      const exception = rangeException(address, second, readLimit(fc));
      return exception === null ? { fc, address, quantity: second } : { fc, exception };
    }
    case 5:
      if (pdu.length !== 5 || (second !== 0 && second !== 0xff00)) return { fc, exception: EXCEPTION.illegalValue };
      return { fc, address, on: second !== 0 };
    case 6:
      return pdu.length === 5 ? { fc, address, value: second } : { fc, exception: EXCEPTION.illegalValue };
    case 15:
    case 16: {
      const limit = fc === 15 ? MODBUS_LIMITS.writeCoils : MODBUS_LIMITS.writeRegisters;
      const octets = dataOctets(fc, second);
      if (pdu.length < 6 || second > limit || pdu[5] !== octets || pdu.length !== 6 + octets) {
        return { fc, exception: EXCEPTION.illegalValue };
      }
      const exception = rangeException(address, second, limit);
      return exception === null ? { fc, address, quantity: second, octets: pdu.subarray(6) } : { fc, exception };
    }
    default:
      return { fc: fc & 0x7f, exception: EXCEPTION.illegalFunction };
  }
}

function refuse(reason: string): never {
  throw new BusbarError('FRAME_INVALID', { protocol: 'Modbus', reason });
}

function requireRange(fc: number, address: number, quantity: number, limit: number): void {
  if (rangeException(address, quantity, limit) !== null) {
    refuse(`${functionName(fc)} of ${quantity} from ${address} (1 to ${limit}, within 0 to 65535)`);
  }
}

function header(fc: number, first: number, second: number, more = 0): Buffer {
  const pdu = Buffer.allocUnsafe(5 + more);
  pdu[0] = fc;
  pdu.writeUInt16BE(first, 1);
  pdu.writeUInt16BE(second, 3);
  return pdu;
}

/** The PDU of a request. Throws FRAME_INVALID beyond the limits of the function. */
export function buildRequest(request: ModbusRequest): Buffer {
  switch (request.fc) {
    case 5:
    case 6:
      return buildSingleWrite(request);
    case 15:
    case 16: {
      const { fc, address, quantity, octets } = request;
      requireRange(fc, address, quantity, fc === 15 ? MODBUS_LIMITS.writeCoils : MODBUS_LIMITS.writeRegisters);
      const length = dataOctets(fc, quantity);
      if (octets.length !== length) refuse(`${octets.length} octets for ${quantity}, ${length} are needed`);
      const pdu = header(fc, address, quantity, 1 + length);
      pdu[5] = length;
      pdu.set(octets, 6);
      return pdu;
    }
    default:
      requireRange(request.fc, request.address, request.quantity, readLimit(request.fc));
      return header(request.fc, request.address, request.quantity);
  }
}

function buildSingleWrite(write: SingleCoilWrite | SingleRegisterWrite): Buffer {
  if (!isUint16(write.address)) refuse(`address ${write.address} (0 to 65535)`);
  if (write.fc === 5) return header(5, write.address, write.on ? 0xff00 : 0);
  if (!isUint16(write.value)) refuse(`register value ${write.value} (0 to 65535)`);
  return header(6, write.address, write.value);
}

function buildException(response: ModbusException): Buffer {
  const { fc, exception } = response;
  if (!Number.isInteger(fc) || fc < 0 || fc > 0x7f) refuse(`function ${fc} (0 to 127)`);
  if (!Number.isInteger(exception) || exception < 0 || exception > 0xff) refuse(`exception ${exception} (0 to 255)`);
  return Buffer.from([fc | 0x80, exception]);
}

/** The PDU of a reply. Throws FRAME_INVALID beyond the limits of the function. */
export function buildResponse(response: ModbusResponse): Buffer {
  if (isException(response)) return buildException(response);
  switch (response.fc) {
    case 5:
    case 6:
      return buildSingleWrite(response);
    case 15:
    case 16:
      requireRange(response.fc, response.address, response.quantity, writeLimit(response.fc));
      return header(response.fc, response.address, response.quantity);
    default: {
      const { fc, octets } = response;
      const reason = octetsProblem(fc, octets.length);
      if (reason !== null) refuse(reason);
      const pdu = Buffer.allocUnsafe(2 + octets.length);
      pdu[0] = fc;
      pdu[1] = octets.length;
      pdu.set(octets, 2);
      return pdu;
    }
  }
}

function writeLimit(fc: 15 | 16): number {
  return fc === 15 ? MODBUS_LIMITS.writeCoils : MODBUS_LIMITS.writeRegisters;
}

function octetsProblem(fc: number, length: number): string | null {
  if (length < 1 || length > dataOctets(fc, readLimit(fc))) return `${length} octets in a reply to ${functionName(fc)}`;
  return fc >= 3 && length % 2 === 1 ? `${length} octets are no whole registers` : null;
}

/** What a device answered. Never throws; whether it answers *this* request says `mismatch`. `octets` is a view. */
export function parseResponse(pdu: Uint8Array): ModbusResponse | Malformed {
  const fc = pdu[0] ?? 0;
  if (fc >= 0x80) {
    if (pdu.length !== 2) return { malformed: `an exception of ${pdu.length} octets` };
    return { fc: fc & 0x7f, exception: pdu[1] ?? 0 };
  }
  const address = uint16(pdu, 1);
  const second = uint16(pdu, 3);
  switch (fc) {
    case 1:
    case 2:
    case 3:
    case 4: {
      const octets = pdu[1] ?? 0;
      if (pdu.length !== 2 + octets) return { malformed: `${pdu.length - 2} octets where ${octets} are announced` };
      const malformed = octetsProblem(fc, octets);
      return malformed === null ? { fc, octets: pdu.subarray(2) } : { malformed };
    }
    case 5:
      if (pdu.length !== 5) return { malformed: `${pdu.length} octets in a reply to ${functionName(fc)}` };
      if (second !== 0 && second !== 0xff00) return { malformed: `coil value ${second}` };
      return { fc, address, on: second !== 0 };
    case 6:
      if (pdu.length !== 5) return { malformed: `${pdu.length} octets in a reply to ${functionName(fc)}` };
      return { fc, address, value: second };
    case 15:
    case 16:
      if (pdu.length !== 5) return { malformed: `${pdu.length} octets in a reply to ${functionName(fc)}` };
      if (rangeException(address, second, writeLimit(fc)) !== null) return { malformed: `${second} from ${address}` };
      return { fc, address, quantity: second };
    default:
      return { malformed: functionName(fc) };
  }
}

/**
 * Why `response` cannot be the answer to `request`, or null if it is: function, number of octets, and for writes the
 * echoed address, value and quantity. An exception of the same function is an answer.
 */
export function mismatch(request: ModbusRequest, response: ModbusResponse): string | null {
  if (request.fc !== response.fc) return `${functionName(response.fc)} answered, ${functionName(request.fc)} asked`;
  if (isException(response)) return null;
  if ('octets' in response) {
    const wanted = dataOctets(request.fc, (request as ReadRequest).quantity);
    return response.octets.length === wanted ? null : `${response.octets.length} octets answered, ${wanted} asked`;
  }
  if (request.address !== response.address) return `address ${response.address} echoed, ${request.address} written`;
  const written = echo(request);
  const echoed = echo(response);
  return written === echoed ? null : `${echoed} echoed, ${written} written`;
}

function echo(pdu: ModbusRequest | MultipleWriteResponse): number {
  if (pdu.fc === 5) return pdu.on ? 1 : 0;
  return pdu.fc === 6 ? pdu.value : pdu.quantity;
}
