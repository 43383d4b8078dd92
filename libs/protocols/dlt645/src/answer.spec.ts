import { describe, expect, it } from 'vitest';
import { judgeAnswer } from './answer.js';
import { fromHexHighFirst } from './bcd.js';
import { functionCode, functionName } from './control-codes.js';
import { errorReasons, isNoSuchData } from './error-word.js';
import {
  freezeRequest,
  readAddressRequest,
  readFollowingRequest,
  readRequest,
  setClockRequest,
  writeItemRequest,
} from './requests.js';
import { hex } from './test-frames.js';

const TARGET = { edition: '2007', address: '000102030425', identifier: '00010000' } as const;
const REQUEST = readRequest(TARGET);
const ITEM = hex('00 00 01 00');

const frame = (control: number, data: Uint8Array, address: string = TARGET.address) => ({ address, control, data });
const withItem = (...more: number[]) => Uint8Array.of(...ITEM, ...more);

describe('judgeAnswer', () => {
  it('knows the echo of its own request from the request of another master', () => {
    expect(judgeAnswer(REQUEST, REQUEST.frame)).toEqual({ kind: 'echo' });
    expect(judgeAnswer(REQUEST, frame(0x11, hex('00 00 02 00')))).toEqual({ kind: 'foreign', reason: 'request' });
    expect(judgeAnswer(REQUEST, frame(0x11, ITEM, '000000000001'))).toEqual({ kind: 'foreign', reason: 'request' });
  });

  it.each([
    { name: 'of another meter', foreign: frame(0x91, withItem(1, 0, 0, 0), '000102030426'), reason: 'address' },
    {
      name: 'with a wildcard as address',
      foreign: frame(0x91, withItem(1, 0, 0, 0), 'AAAAAAAAAAAA'),
      reason: 'address',
    },
    { name: 'to another function', foreign: frame(0x92, withItem(1, 0, 0, 0)), reason: 'function' },
    { name: 'of the other edition', foreign: frame(0x81, withItem(1, 0, 0, 0)), reason: 'function' },
    { name: 'to another item', foreign: frame(0x91, hex('00 00 02 00 01 00 00 00')), reason: 'identifier' },
    { name: 'without identifier', foreign: frame(0x91, hex('00 00 01')), reason: 'length' },
    { name: 'an error of another meter', foreign: frame(0xd1, Uint8Array.of(2), '000102030426'), reason: 'address' },
    { name: 'an error without word', foreign: frame(0xd1, new Uint8Array(0)), reason: 'length' },
    { name: 'an error with more', foreign: frame(0xf1, Uint8Array.of(2)), reason: 'length' },
  ])('waits on after a frame $name', ({ foreign, reason }) => {
    expect(judgeAnswer(REQUEST, foreign)).toEqual({ kind: 'foreign', reason });
  });

  it('takes the answer of the meter that fits a wildcard, with its address', () => {
    const request = readRequest({ ...TARGET, address: 'AAAAAAAA0425' });
    expect(judgeAnswer(request, frame(0x91, withItem(7)))).toMatchObject({ kind: 'data', address: TARGET.address });
    expect(judgeAnswer(request, frame(0x91, withItem(7), '000102030426'))).toMatchObject({ reason: 'address' });
  });

  it('tells why the meter refuses', () => {
    expect(judgeAnswer(REQUEST, frame(0xd1, Uint8Array.of(0x06)))).toEqual({
      kind: 'error',
      address: TARGET.address,
      word: 6,
      reasons: ['no such data', 'wrong password or not authorized'],
    });
  });

  it('believes an address only where head and data say the same', () => {
    const own = fromHexHighFirst(TARGET.address);
    expect(judgeAnswer(readAddressRequest(), frame(0x93, own))).toMatchObject({
      kind: 'data',
      address: TARGET.address,
    });
    expect(judgeAnswer(readAddressRequest(), frame(0x93, own, '000000000001'))).toMatchObject({ reason: 'address' });
    expect(judgeAnswer(readAddressRequest(), frame(0x93, own.subarray(1)))).toMatchObject({ reason: 'length' });
  });

  it('takes nothing for the answer to a broadcast', () => {
    const clock = setClockRequest('2007', { year: 2026, month: 11, day: 25, hour: 12, minute: 30, second: 0 });
    for (const request of [clock, freezeRequest('999999999999')]) {
      const answer = frame(0x80 | request.frame.control, new Uint8Array(0));
      expect(judgeAnswer(request, answer)).toEqual({ kind: 'foreign', reason: 'broadcast' });
    }
  });

  it('takes a following frame by its number alone', () => {
    const request = readFollowingRequest(TARGET, 2);
    expect(judgeAnswer(request, frame(0xb2, withItem(7, 8, 2)))).toEqual({
      kind: 'data',
      address: TARGET.address,
      data: hex('07 08'),
      hasMore: true,
    });
    expect(judgeAnswer(request, frame(0xb2, withItem(7, 8, 1)))).toEqual({ kind: 'foreign', reason: 'sequence' });
    expect(judgeAnswer(request, frame(0xb2, withItem()))).toEqual({ kind: 'foreign', reason: 'length' });
  });

  it('takes an empty answer for a write and nothing else', () => {
    const request = writeItemRequest(TARGET, { data: hex('01'), password: hex('02 00 00 00') });
    expect(judgeAnswer(request, frame(0x94, new Uint8Array(0)))).toMatchObject({ kind: 'data', hasMore: false });
    expect(judgeAnswer(request, frame(0x94, hex('01')))).toMatchObject({ reason: 'length' });
    expect(judgeAnswer(request, frame(0xb4, new Uint8Array(0)))).toMatchObject({ reason: 'function' });
  });
});

describe('error words', () => {
  it('say one reason per bit, by edition', () => {
    expect(errorReasons('1997', 0x03)).toEqual(['illegal data', 'unknown data identifier']);
    expect(errorReasons('2007', 0x41)).toEqual(['other error', 'too many tariffs']);
    expect(errorReasons('2007', 0)).toEqual(['no reason given']);
    expect(errorReasons('2007', 0xff)).toHaveLength(8);
    expect([isNoSuchData(0x02), isNoSuchData(0x04)]).toEqual([true, false]);
  });
});

describe('control codes', () => {
  it('are named by edition, whatever the bits above them', () => {
    expect(functionName('2007', 0xb1)).toBe('read');
    expect(functionName('1997', 0xa1)).toBe('read');
    expect(functionName('1997', 0x11)).toBeNull();
    expect(functionCode('1997', 'freeze')).toBeNull();
    expect(functionCode('2007', 'freeze')).toBe(0x16);
  });
});
