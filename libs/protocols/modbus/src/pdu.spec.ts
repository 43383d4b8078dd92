import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeMbap, type MbapFrame, MbapFramer } from './mbap.js';
import {
  buildRequest,
  buildResponse,
  exceptionName,
  functionName,
  isException,
  isMalformed,
  type ModbusRequest,
  type ModbusResponse,
  mismatch,
  parseRequest,
  parseResponse,
} from './pdu.js';

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

function frame(text: string): MbapFrame {
  const frames: MbapFrame[] = [];
  expect(new MbapFramer().push(hex(text), (each) => frames.push(each))).toBeNull();
  expect(frames).toHaveLength(1);
  return frames[0] as MbapFrame;
}

interface Golden {
  readonly request: string;
  readonly reply: string;
  readonly asked: ModbusRequest;
  readonly answered: ModbusResponse;
}

// The examples of Modbus Application Protocol V1.1b3 §6, in MBAP frames.
const GOLDEN: readonly Golden[] = [
  {
    request: '00 02 00 00 00 06 01 01 00 13 00 13',
    reply: '00 02 00 00 00 06 01 01 03 CD 6B 05',
    asked: { fc: 1, address: 0x13, quantity: 19 },
    answered: { fc: 1, octets: hex('CD6B05') },
  },
  {
    request: '00 03 00 00 00 06 01 02 00 C4 00 16',
    reply: '00 03 00 00 00 06 01 02 03 AC DB 35',
    asked: { fc: 2, address: 196, quantity: 22 },
    answered: { fc: 2, octets: hex('ACDB35') },
  },
  {
    request: '00 01 00 00 00 06 01 03 00 6B 00 03',
    reply: '00 01 00 00 00 09 01 03 06 02 2B 00 00 00 64',
    asked: { fc: 3, address: 107, quantity: 3 },
    answered: { fc: 3, octets: hex('022B00000064') },
  },
  {
    request: '00 04 00 00 00 06 01 04 00 08 00 01',
    reply: '00 04 00 00 00 05 01 04 02 00 0A',
    asked: { fc: 4, address: 8, quantity: 1 },
    answered: { fc: 4, octets: hex('000A') },
  },
  {
    request: '00 05 00 00 00 06 01 05 00 AC FF 00',
    reply: '00 05 00 00 00 06 01 05 00 AC FF 00',
    asked: { fc: 5, address: 172, on: true },
    answered: { fc: 5, address: 172, on: true },
  },
  {
    request: '00 06 00 00 00 06 01 06 00 01 00 03',
    reply: '00 06 00 00 00 06 01 06 00 01 00 03',
    asked: { fc: 6, address: 1, value: 3 },
    answered: { fc: 6, address: 1, value: 3 },
  },
  {
    request: '00 07 00 00 00 09 01 0F 00 13 00 0A 02 CD 01',
    reply: '00 07 00 00 00 06 01 0F 00 13 00 0A',
    asked: { fc: 15, address: 0x13, quantity: 10, octets: hex('CD01') },
    answered: { fc: 15, address: 0x13, quantity: 10 },
  },
  {
    request: '00 08 00 00 00 0B 01 10 00 01 00 02 04 00 0A 01 02',
    reply: '00 08 00 00 00 06 01 10 00 01 00 02',
    asked: { fc: 16, address: 1, quantity: 2, octets: hex('000A0102') },
    answered: { fc: 16, address: 1, quantity: 2 },
  },
  {
    request: '00 0B 00 00 00 06 01 01 04 A1 00 01',
    reply: '00 0B 00 00 00 03 01 81 02',
    asked: { fc: 1, address: 0x4a1, quantity: 1 },
    answered: { fc: 1, exception: 2 },
  },
  {
    request: '15 01 00 00 00 06 FF 03 00 04 00 01',
    reply: '15 01 00 00 00 05 FF 03 02 00 05',
    asked: { fc: 3, address: 4, quantity: 1 },
    answered: { fc: 3, octets: hex('0005') },
  },
];

const uint16 = fc.integer({ min: 0, max: 0xffff });

function ranged<T>(limit: number, make: (address: number, quantity: number) => fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc
    .integer({ min: 1, max: limit })
    .chain((quantity) => fc.integer({ min: 0, max: 0x1_0000 - quantity }).chain((address) => make(address, quantity)));
}

function read(code: 1 | 2 | 3 | 4): fc.Arbitrary<ModbusRequest> {
  return ranged(code <= 2 ? 2000 : 125, (address, quantity) => fc.constant({ fc: code, address, quantity }));
}

const requests: fc.Arbitrary<ModbusRequest> = fc.oneof(
  read(1),
  read(2),
  read(3),
  read(4),
  fc.record({ fc: fc.constant(5 as const), address: uint16, on: fc.boolean() }),
  fc.record({ fc: fc.constant(6 as const), address: uint16, value: uint16 }),
  ranged(1968, (address, quantity) => {
    const length = Math.ceil(quantity / 8);
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((octets): ModbusRequest => ({ fc: 15, address, quantity, octets }));
  }),
  ranged(123, (address, quantity) =>
    fc
      .uint8Array({ minLength: quantity * 2, maxLength: quantity * 2 })
      .map((octets): ModbusRequest => ({ fc: 16, address, quantity, octets })),
  ),
);

function answerTo(request: ModbusRequest): fc.Arbitrary<ModbusResponse> {
  switch (request.fc) {
    case 5:
    case 6:
      return fc.constant(request);
    case 15:
    case 16:
      return fc.constant({ fc: request.fc, address: request.address, quantity: request.quantity });
    default: {
      const { fc: code, quantity } = request;
      const length = code <= 2 ? Math.ceil(quantity / 8) : quantity * 2;
      return fc.uint8Array({ minLength: length, maxLength: length }).map((octets) => ({ fc: code, octets }));
    }
  }
}

/** Octets apart, buffers and views of different classes are the same PDU. */
function plain(pdu: object): object {
  return 'octets' in pdu ? { ...pdu, octets: [...(pdu.octets as Uint8Array)] } : pdu;
}

describe('golden frames', () => {
  it.each(GOLDEN)('reads and builds $request', ({ request, reply, asked, answered }) => {
    const sent = frame(request);
    const received = frame(reply);
    expect(plain(parseRequest(sent.pdu))).toEqual(plain(asked));
    expect(plain(parseResponse(received.pdu))).toEqual(plain(answered));
    expect(encodeMbap({ ...sent, pdu: buildRequest(asked) })).toEqual(hex(request));
    expect(encodeMbap({ ...received, pdu: buildResponse(answered) })).toEqual(hex(reply));
    expect(mismatch(asked, answered)).toBeNull();
  });

  it('refuses each golden reply cut at any octet', () => {
    for (const { reply } of GOLDEN) {
      const { pdu } = frame(reply);
      for (let length = 0; length < pdu.length; length++) {
        expect(isMalformed(parseResponse(pdu.subarray(0, length)))).toBe(true);
      }
    }
  });

  it('answers an exception to each golden request cut at any octet', () => {
    for (const { request } of GOLDEN) {
      const { pdu } = frame(request);
      for (let length = 0; length < pdu.length; length++) {
        expect(isException(parseRequest(pdu.subarray(0, length)))).toBe(true);
      }
    }
  });
});

describe('round trips', () => {
  it('reads back every request that it builds', () => {
    fc.assert(
      fc.property(requests, (request) => {
        expect(plain(parseRequest(buildRequest(request)))).toEqual(plain(request));
      }),
    );
  });

  it('reads back every reply that it builds, as the answer to its request', () => {
    fc.assert(
      fc.property(
        requests.chain((request) => fc.tuple(fc.constant(request), answerTo(request))),
        ([request, response]) => {
          const parsed = parseResponse(buildResponse(response));
          expect(plain(parsed)).toEqual(plain(response));
          expect(mismatch(request, response)).toBeNull();
        },
      ),
    );
  });

  it('reads back every exception', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 127 }), fc.integer({ min: 0, max: 255 }), (code, exception) => {
        expect(parseResponse(buildResponse({ fc: code, exception }))).toEqual({ fc: code, exception });
      }),
    );
  });
});

describe('bounds', () => {
  const cases = [
    { name: 'coils', fc: 1, limit: 2000 },
    { name: 'discrete inputs', fc: 2, limit: 2000 },
    { name: 'holding registers', fc: 3, limit: 125 },
    { name: 'input registers', fc: 4, limit: 125 },
  ] as const;

  function readPdu(code: number, address: number, quantity: number): Buffer {
    return Buffer.from([code, address >> 8, address & 255, quantity >> 8, quantity & 255]);
  }

  it.each(cases)('reads 1 to $limit $name and answers exception 3 beyond', ({ fc: code, limit }) => {
    expect(parseRequest(readPdu(code, 0, 1))).toEqual({ fc: code, address: 0, quantity: 1 });
    expect(parseRequest(readPdu(code, 0, limit))).toEqual({ fc: code, address: 0, quantity: limit });
    expect(parseRequest(readPdu(code, 0, 0))).toEqual({ fc: code, exception: 3 });
    expect(parseRequest(readPdu(code, 0, limit + 1))).toEqual({ fc: code, exception: 3 });
    expect(() => buildRequest({ fc: code, address: 0, quantity: limit + 1 })).toThrow(/frame/);
    expect(() => buildRequest({ fc: code, address: 0, quantity: 0 })).toThrow(/frame/);
  });

  it.each(cases)('ends $name at address 65535, exception 2 beyond', ({ fc: code }) => {
    expect(parseRequest(readPdu(code, 65526, 10))).toEqual({ fc: code, address: 65526, quantity: 10 });
    expect(parseRequest(readPdu(code, 65526, 11))).toEqual({ fc: code, exception: 2 });
    expect(() => buildRequest({ fc: code, address: 65526, quantity: 11 })).toThrow(/65535/);
  });

  it('answers exception 3 to a multiple write whose octets do not fit its quantity', () => {
    for (const pdu of ['0F 0013 000A 03 CD0100', '0F 0013 000A 02 CD', '10 0001 0002 03 000A01', '10 0001 0000 00']) {
      expect(parseRequest(hex(pdu))).toMatchObject({ exception: 3 });
    }
    const tooLong = Buffer.alloc(6 + 124 * 2);
    tooLong.set([16, 0, 0, 0, 124, 248]);
    expect(parseRequest(tooLong)).toEqual({ fc: 16, exception: 3 });
    expect(() => buildRequest({ fc: 16, address: 0, quantity: 124, octets: Buffer.alloc(248) })).toThrow(/frame/);
    expect(() => buildRequest({ fc: 15, address: 0, quantity: 1969, octets: Buffer.alloc(247) })).toThrow(/frame/);
    expect(() => buildRequest({ fc: 16, address: 0, quantity: 2, octets: Buffer.alloc(3) })).toThrow(/octets/);
  });

  it('answers exception 3 to a coil value that is neither on nor off', () => {
    expect(parseRequest(hex('05 00AC 0001'))).toEqual({ fc: 5, exception: 3 });
    expect(parseResponse(hex('05 00AC 0001'))).toEqual({ malformed: 'coil value 1' });
  });

  it('answers exception 1 to a function that it does not know', () => {
    expect(parseRequest(hex('16 0004 00F2 0025'))).toEqual({ fc: 22, exception: 1 });
    expect(parseRequest(hex('2B'))).toEqual({ fc: 43, exception: 1 });
    expect(parseRequest(new Uint8Array(0))).toEqual({ fc: 0, exception: 1 });
  });

  it('takes no half register and no empty reply', () => {
    for (const pdu of ['03 03 000A01', '04 00', '01 00', '03 FC'])
      expect(isMalformed(parseResponse(hex(pdu)))).toBe(true);
    expect(() => buildResponse({ fc: 3, octets: Buffer.alloc(3) })).toThrow(/whole registers/);
    expect(() => buildResponse({ fc: 3, octets: Buffer.alloc(252) })).toThrow(/frame/);
    expect(() => buildResponse({ fc: 6, address: 0, value: 65536 })).toThrow(/65536/);
    expect(() => buildResponse({ fc: 1, exception: 256 })).toThrow(/256/);
    expect(() => buildResponse({ fc: 16, address: 65535, quantity: 2 })).toThrow(/frame/);
  });
});

describe('mismatch', () => {
  it('never takes another function, length, address, value or quantity for the answer', () => {
    expect(mismatch({ fc: 3, address: 0, quantity: 2 }, { fc: 4, octets: hex('00000000') })).toMatch(/input registers/);
    expect(mismatch({ fc: 3, address: 0, quantity: 2 }, { fc: 3, octets: hex('0000') })).toMatch(/2 octets/);
    expect(mismatch({ fc: 1, address: 0, quantity: 9 }, { fc: 1, octets: hex('00') })).toMatch(/1 octets/);
    expect(mismatch({ fc: 6, address: 1, value: 3 }, { fc: 6, address: 2, value: 3 })).toMatch(/address 2/);
    expect(mismatch({ fc: 6, address: 1, value: 3 }, { fc: 6, address: 1, value: 4 })).toMatch(/4 echoed/);
    expect(mismatch({ fc: 5, address: 1, on: true }, { fc: 5, address: 1, on: false })).toMatch(/0 echoed/);
    const registers: ModbusRequest = { fc: 16, address: 1, quantity: 2, octets: hex('000A0102') };
    expect(mismatch(registers, { fc: 16, address: 1, quantity: 1 })).toMatch(/1 echoed/);
    expect(mismatch(registers, { fc: 15, address: 1, quantity: 2 })).toMatch(/coils/);
    expect(mismatch(registers, { fc: 3, exception: 2 })).toMatch(/read holding/);
  });

  it('takes an exception of the same function for the answer', () => {
    expect(mismatch({ fc: 3, address: 0, quantity: 2 }, { fc: 3, exception: 6 })).toBeNull();
  });
});

describe('names', () => {
  it('names what the protocol names, and shows the number of the rest', () => {
    expect(exceptionName(2)).toBe('illegal data address');
    expect(exceptionName(9)).toBe('exception 9');
    expect(functionName(16)).toBe('write multiple registers');
    expect(functionName(43)).toBe('function 43');
  });
});

describe('random octets', () => {
  it('never crash a parser, and what is taken can be built again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0, max: 22 }), (octets, code) => {
        if (octets.length > 0) octets[0] = code % 2 === 0 ? (octets[0] as number) : code;
        const request = parseRequest(octets);
        if (!isException(request)) expect([...buildRequest(request)]).toEqual([...octets]);
        const response = parseResponse(octets);
        if (!isMalformed(response)) expect([...buildResponse(response)]).toEqual([...octets]);
      }),
      { numRuns: 100_000 },
    );
  }, 60_000);
});
