import { describe, expect, it } from 'vitest';
import {
  editionOfIdentifier,
  freezeRequest,
  normalizeIdentifier,
  readFollowingRequest,
  readRequest,
  setClockRequest,
  writeItemRequest,
} from './requests.js';
import { hex, toHex } from './test-frames.js';

const TARGET = { edition: '2007', address: '3', identifier: '04000103' } as const;
const OLD = { edition: '1997', address: '3', identifier: 'C117' } as const;
const NOON = { year: 2026, month: 11, day: 25, hour: 12, minute: 30, second: 45 };

describe('requests', () => {
  it('write password and operator between identifier and data', () => {
    const write = { data: hex('15'), password: hex('02 12 34 56'), operator: hex('01 02 03 04') };
    const { frame } = writeItemRequest(TARGET, write);
    expect([frame.control, frame.address, toHex(frame.data)]).toEqual([
      0x14,
      '000000000003',
      toHex(hex('03 01 00 04 02 12 34 56 01 02 03 04 15')),
    ]);
    expect(toHex(writeItemRequest(OLD, { data: hex('15') }).frame.data)).toBe('17C115');
    expect(toHex(writeItemRequest(OLD, { data: hex('15'), password: hex('02 12 34 56') }).frame.data)).toBe(
      '17C10212345615',
    );
  });

  it.each(['AAAAAAAAAAAA', '999999999999', 'AA0000000003'])('never write to %s', (address) => {
    expect(() => writeItemRequest({ ...TARGET, address }, { data: hex('15'), password: hex('02 12 34 56') })).toThrow(
      /whole address of one meter/,
    );
  });

  it('refuse a write that the edition does not know', () => {
    const password = hex('02 12 34 56');
    expect(() => writeItemRequest(TARGET, { data: hex('15') })).toThrow(/without password/);
    expect(() => writeItemRequest(TARGET, { data: hex('15'), password: hex('02') })).toThrow(/password of 1 octets/);
    expect(() => writeItemRequest(OLD, { data: hex('15'), operator: hex('01 02 03 04') })).toThrow(/operator code/);
    expect(() => writeItemRequest(TARGET, { data: new Uint8Array(0), password })).toThrow(
      /0 octets to write \(1 to 38\)/,
    );
    expect(() => writeItemRequest(TARGET, { data: new Uint8Array(39), password })).toThrow(/39 octets to write/);
    expect(writeItemRequest(TARGET, { data: new Uint8Array(38), password }).frame.data).toHaveLength(50);
  });

  it('set the clocks of all meters, seconds first', () => {
    const { frame } = setClockRequest('2007', NOON);
    expect([frame.address, frame.control, toHex(frame.data)]).toEqual(['999999999999', 0x08, '453012251126']);
  });

  it.each([
    { name: 'a day that the month lacks', clock: { ...NOON, month: 2, day: 29 } },
    { name: 'a year of another century', clock: { ...NOON, year: 1999 } },
    { name: 'an hour 24', clock: { ...NOON, hour: 24 } },
    { name: 'half a second', clock: { ...NOON, second: 0.5 } },
  ])('refuse $name', ({ clock }) => {
    expect(() => setClockRequest('2007', clock)).toThrow(/No DL\/T 645 frame/);
  });

  it('freeze at once or at a time, every where nothing is said', () => {
    expect(toHex(freezeRequest('3').frame.data)).toBe('99999999');
    expect(toHex(freezeRequest('3', { day: 1, hour: 0, minute: 5 }).frame.data)).toBe('05000199');
    expect(() => freezeRequest('3', { hour: 24 })).toThrow(/hour 24/);
  });

  it('refuse identifiers and numbers that the edition does not have', () => {
    expect(() => readRequest({ ...TARGET, identifier: 'B611' })).toThrow(/data identifier B611 \(8 hex digits\)/);
    expect(() => readRequest({ ...OLD, identifier: '0201FF00' })).toThrow(/4 hex digits/);
    expect(() => readRequest({ ...TARGET, address: 'x' })).toThrow(/address x/);
    expect(() => readFollowingRequest(TARGET, 256)).toThrow(/256 \(1 to 255\)/);
    expect(() => readFollowingRequest(TARGET, 0)).toThrow(/0 \(1 to 255\)/);
  });

  it('know the edition by the digits of an identifier', () => {
    expect(normalizeIdentifier('2007', '02-01-ff-00')).toBe('0201FF00');
    expect(['0201ff00', 'b6 11', 'b61', 'xyzw'].map(editionOfIdentifier)).toEqual(['2007', '1997', null, null]);
  });
});
