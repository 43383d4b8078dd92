import { encodeMbap, MbapFramer } from '@busbar/protocol-modbus';

/** A request as it came, and how to answer it in the framing of this link. */
export interface ReceivedRequest {
  readonly unit: number;
  readonly pdu: Uint8Array;
  /** The frame of an answer; what the options change makes it a wrong one. */
  frame(pdu: Uint8Array, change?: { unit?: number; transactionStep?: number }): Buffer;
}

/** CRC of serial frames, bit by bit: written apart from the driver, so that one can show the other wrong. */
export function serialCrc(octets: Uint8Array): number {
  let crc = 0xffff;
  for (const octet of octets) {
    crc ^= octet;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

export function serialFrame(unit: number, pdu: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from([unit]), pdu]);
  const crc = serialCrc(body);
  return Buffer.concat([body, Buffer.from([crc & 0xff, crc >> 8])]);
}

/** Cuts what a client sends into requests. */
export function requestReader(framing: 'tcp' | 'rtu'): (chunk: Buffer) => ReceivedRequest[] {
  return framing === 'tcp' ? tcpReader() : rtuReader();
}

function tcpReader(): (chunk: Buffer) => ReceivedRequest[] {
  const framer = new MbapFramer();
  return (chunk) => {
    const requests: ReceivedRequest[] = [];
    framer.push(chunk, ({ transaction, unit, pdu }) => {
      requests.push({
        unit,
        pdu: Uint8Array.from(pdu),
        frame: (answer, { unit: other = unit, transactionStep = 0 } = {}) =>
          encodeMbap({ transaction: (transaction + transactionStep) & 0xffff, unit: other, pdu: answer }),
      });
    });
    return requests;
  };
}

function rtuReader(): (chunk: Buffer) => ReceivedRequest[] {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const requests: ReceivedRequest[] = [];
    for (;;) {
      const fc = rest[1] ?? 0;
      const length = fc === 15 || fc === 16 ? 9 + (rest[6] ?? 255) : 8;
      if (rest.length < length) return requests;
      const unit = rest[0] as number;
      const pdu = Uint8Array.from(rest.subarray(1, length - 2));
      rest = rest.subarray(length);
      requests.push({ unit, pdu, frame: (answer, { unit: other = unit } = {}) => serialFrame(other, answer) });
    }
  };
}
