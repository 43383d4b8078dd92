import { describe, expect, it } from 'vitest';
import { type Answer, judgeAnswer } from './answer.js';
import type { Edition } from './control-codes.js';
import { encodeFrame } from './frame.js';
import { type MeterItem, meterItem, readItem } from './meter-item.js';
import { readAddressRequest, readRequest } from './requests.js';
import { hex, oneFrame, toHex } from './test-frames.js';

interface Vector {
  readonly name: string;
  readonly edition: Edition;
  readonly address: string;
  readonly identifier: string;
  readonly wakeUp: number;
  readonly request: string;
  readonly reply: string;
  readonly values: readonly number[];
}

/** Published exchanges with meters, their checksums recomputed. */
const VECTORS: readonly Vector[] = [
  {
    name: 'forward active energy',
    edition: '2007',
    address: '000102030425',
    identifier: '00010000',
    wakeUp: 0,
    request: '68 25 04 03 02 01 00 68 11 04 33 33 34 33 E1 16',
    reply: '68 25 04 03 02 01 00 68 91 08 33 33 34 33 75 39 45 33 8B 16',
    values: [1206.42],
  },
  {
    name: 'a block of voltages after wake-up octets',
    edition: '2007',
    address: '652022122018',
    identifier: '0201FF00',
    wakeUp: 4,
    request: 'FE FE FE FE 68 18 20 12 22 20 65 68 11 04 33 32 34 35 A4 16',
    reply: 'FE FE FE FE 68 18 20 12 22 20 65 68 91 0A 33 32 34 35 33 33 33 33 C7 56 13 16',
    values: [0, 0, 239.4],
  },
  {
    name: 'combined active energy',
    edition: '2007',
    address: '652022122003',
    identifier: '00000000',
    wakeUp: 0,
    request: '68 03 20 12 22 20 65 68 11 04 33 33 33 33 8D 16',
    reply: '68 03 20 12 22 20 65 68 91 08 33 33 33 33 33 33 33 33 DD 16',
    values: [0],
  },
  {
    name: 'a voltage of the first edition',
    edition: '1997',
    address: '000000000003',
    identifier: 'B611',
    wakeUp: 0,
    request: '68 03 00 00 00 00 00 68 01 02 44 E9 03 16',
    reply: '68 03 00 00 00 00 00 68 81 04 44 E9 33 34 EC 16',
    values: [100],
  },
];

function dataOf(answer: Answer): Uint8Array {
  if (answer.kind !== 'data') throw new Error(answer.kind);
  return answer.data;
}

describe('recorded exchanges', () => {
  it.each(VECTORS)('$name: the request is sent as recorded', (vector) => {
    const octets = encodeFrame(readRequest(vector).frame, vector.wakeUp);
    expect(toHex(octets)).toBe(toHex(hex(vector.request)));
  });

  it.each(VECTORS)('$name: the reply gives the values of the meter', (vector) => {
    const reply = oneFrame(vector.reply);
    expect(toHex(encodeFrame(reply, vector.wakeUp))).toBe(toHex(hex(vector.reply)));
    const answer = judgeAnswer(readRequest(vector), reply);
    expect(answer).toMatchObject({ address: vector.address, hasMore: false });
    const item = meterItem(vector.edition, vector.identifier) as MeterItem;
    expect(readItem(item, dataOf(answer))).toEqual(vector.values.map((value) => ({ value })));
  });

  it('asks for an address by the wildcard', () => {
    expect(toHex(encodeFrame(readAddressRequest().frame))).toBe(toHex(hex('68 AA AA AA AA AA AA 68 13 00 DF 16')));
  });
});
