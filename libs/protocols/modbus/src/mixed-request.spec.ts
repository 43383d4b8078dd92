import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMixedRequest } from './mixed-request.js';

describe('a request that reads what it writes', () => {
  it('is a mask, as the example of §6.16', () => {
    const pdu = Uint8Array.of(0x16, 0, 4, 0, 0xf2, 0, 0x25);
    expect(parseMixedRequest(pdu)).toEqual({ fc: 22, address: 4, andMask: 0xf2, orMask: 0x25 });
  });

  it('is a write and a read, as the example of §6.17', () => {
    const pdu = Uint8Array.of(0x17, 0, 3, 0, 6, 0, 0x0e, 0, 3, 6, 0, 0xff, 0, 0xff, 0, 0xff);
    expect(parseMixedRequest(pdu)).toEqual({
      fc: 23,
      address: 14,
      quantity: 3,
      octets: Uint8Array.of(0, 0xff, 0, 0xff, 0, 0xff),
      read: { address: 3, quantity: 6 },
    });
  });

  it.each([
    ['a mask that is too short', [22, 0, 4, 0, 0xf2, 0], 3],
    ['a count that lies', [23, 0, 0, 0, 1, 0, 0, 0, 1, 3, 0, 0], 3],
    ['nothing to read', [23, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0], 3],
    ['too much to read', [23, 0, 0, 0, 126, 0, 0, 0, 1, 2, 0, 0], 3],
    ['nothing to write', [23, 0, 0, 0, 1, 0, 0, 0, 0, 0], 3],
    ['a read beyond the end', [23, 0xff, 0xff, 0, 2, 0, 0, 0, 1, 2, 0, 0], 2],
    ['a write beyond the end', [23, 0, 0, 0, 1, 0xff, 0xff, 0, 2, 4, 0, 0, 0, 0], 2],
    ['another function', [3, 0, 0, 0, 1], 1],
    ['nothing', [], 1],
  ])('is refused: %s', (_what, pdu, exception) => {
    expect(parseMixedRequest(Uint8Array.from(pdu))).toMatchObject({ exception });
  });

  it('is never more than its octets carry, whatever they are', () => {
    const head = fc.constantFrom(22, 23);
    fc.assert(
      fc.property(head, fc.uint8Array({ maxLength: 260 }), (code, octets) => {
        const request = parseMixedRequest(Uint8Array.of(code, ...octets));
        if ('octets' in request) {
          expect(request.octets.length).toBe(request.quantity * 2);
          expect(request.quantity).toBeLessThanOrEqual(121);
        }
      }),
    );
  });
});
