import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitAt, setBit } from './bits.js';
import { buildRequest, EXCEPTION, isMalformed, mismatch, parseRequest, parseResponse } from './pdu.js';
import { type ModbusBank, serve } from './server.js';

/** A unit with 100 coils and 100 holding registers that remembers. */
function memory(): ModbusBank {
  const coils = new Uint8Array(13);
  const registers = Buffer.alloc(200);
  const within = ({ address, quantity }: { address: number; quantity: number }) => address + quantity <= 100;
  return {
    readCoils(range, out) {
      if (!within(range)) return EXCEPTION.illegalAddress;
      out.fill(0xff);
      for (let index = 0; index < range.quantity; index++) setBit(out, index, bitAt(coils, range.address + index));
      return null;
    },
    writeCoils(range, octets) {
      if (!within(range)) return EXCEPTION.illegalAddress;
      for (let index = 0; index < range.quantity; index++) setBit(coils, range.address + index, bitAt(octets, index));
      return null;
    },
    readHoldingRegisters(range, out) {
      if (!within(range)) return EXCEPTION.illegalAddress;
      registers.copy(out, 0, range.address * 2, (range.address + range.quantity) * 2);
      return null;
    },
    writeHoldingRegisters(range, octets) {
      if (!within(range)) return EXCEPTION.illegalAddress;
      octets.copy(registers, range.address * 2);
      return null;
    },
  };
}

describe('serve', () => {
  it('gives back coils that were written, one or many, padded with zeros', () => {
    const bank = memory();
    serve(bank, buildRequest({ fc: 15, address: 3, quantity: 10, octets: Uint8Array.of(0xcd, 0x01) }));
    expect(serve(bank, buildRequest({ fc: 1, address: 3, quantity: 10 }))).toEqual(Buffer.from([1, 2, 0xcd, 0x01]));
    expect(serve(bank, buildRequest({ fc: 5, address: 3, on: false }))).toEqual(Buffer.from([5, 0, 3, 0, 0]));
    expect(serve(bank, buildRequest({ fc: 1, address: 3, quantity: 10 }))).toEqual(Buffer.from([1, 2, 0xcc, 0x01]));
  });

  it('gives back registers that were written, one or many', () => {
    const bank = memory();
    const octets = Uint8Array.of(0, 10, 1, 2);
    expect(serve(bank, buildRequest({ fc: 16, address: 1, quantity: 2, octets }))).toEqual(
      Buffer.from([16, 0, 1, 0, 2]),
    );
    expect(serve(bank, buildRequest({ fc: 6, address: 3, value: 0xabcd }))).toEqual(Buffer.from([6, 0, 3, 0xab, 0xcd]));
    expect(serve(bank, buildRequest({ fc: 3, address: 0, quantity: 4 }))).toEqual(
      Buffer.from([3, 8, 0, 0, 0, 10, 1, 2, 0xab, 0xcd]),
    );
  });

  it.each([
    { name: 'the bank refuses the address', pdu: [3, 0, 100, 0, 1], reply: [0x83, 2] },
    { name: 'the quantity is 0', pdu: [3, 0, 0, 0, 0], reply: [0x83, 3] },
    { name: 'the range passes 65535', pdu: [3, 0xff, 0xff, 0, 2], reply: [0x83, 2] },
    { name: 'the bank has no such table', pdu: [4, 0, 0, 0, 1], reply: [0x84, 1] },
    { name: 'the function is unknown', pdu: [43, 14, 1, 0], reply: [0xab, 1] },
  ])('answers the exception when $name', ({ pdu, reply }) => {
    expect([...serve(memory(), Uint8Array.from(pdu))]).toEqual(reply);
  });

  it('answers device failure when the bank fails, also by a code that is none', () => {
    const broken: ModbusBank = {
      readCoils: () => {
        throw new Error('no memory');
      },
      readHoldingRegisters: () => 300,
    };
    expect([...serve(broken, Uint8Array.of(1, 0, 0, 0, 1))]).toEqual([0x81, 4]);
    expect([...serve(broken, Uint8Array.of(3, 0, 0, 0, 1))]).toEqual([0x83, 4]);
  });

  it('answers any octets with a well-formed reply to them', () => {
    const bank = memory();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 253 }), fc.constantFrom(1, 2, 3, 4, 5, 6, 15, 16, 22), (octets, code) => {
        if (octets.length > 0) octets[0] = code;
        const response = parseResponse(serve(bank, octets));
        if (isMalformed(response)) throw new Error(response.malformed);
        const request = parseRequest(octets);
        if (!('exception' in request)) expect(mismatch(request, response)).toBeNull();
      }),
      { numRuns: 20_000 },
    );
  });
});

describe('bits', () => {
  it('gives back each bit that was set, and no other', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 70 }), (bits) => {
        const octets = new Uint8Array(Math.ceil(bits.length / 8));
        bits.forEach((on, index) => {
          setBit(octets, index, on);
        });
        expect(bits.map((_, index) => bitAt(octets, index))).toEqual(bits);
        setBit(octets, octets.length * 8, true);
        expect(bitAt(octets, octets.length * 8)).toBe(false);
      }),
    );
  });
});
