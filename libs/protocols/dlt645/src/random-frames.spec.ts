import { describe, expect, it } from 'vitest';
import { judgeAnswer } from './answer.js';
import { fromHexHighFirst } from './bcd.js';
import { EDITIONS, type Edition } from './control-codes.js';
import { checksum, encodeFrame, type MeterFrame } from './frame.js';
import { FrameScanner } from './frame-scanner.js';
import { itemOctets, type MeterItem, meterItem, readItem } from './meter-item.js';
import { readRequest } from './requests.js';
import { seeded } from './test-frames.js';

const IDENTIFIERS: Readonly<Record<Edition, readonly string[]>> = {
  '1997': ['9010', '901F', 'B611', 'B630', 'C010'],
  '2007': ['00010000', '0201FF00', '02030000', '01010000', '04000101'],
};
const ASKED = EDITIONS.flatMap((edition) =>
  IDENTIFIERS[edition].map((identifier) => ({
    request: readRequest({ edition, address: '652022122003', identifier }),
    identifier: fromHexHighFirst(identifier),
    item: meterItem(edition, identifier) as MeterItem,
  })),
);

/** Octets that hold this frame after all, found in a way of its own. */
function contains(octets: Uint8Array, frame: MeterFrame): boolean {
  const whole = encodeFrame(frame);
  const at = Buffer.from(octets.buffer, octets.byteOffset, octets.length).indexOf(whole);
  return at >= 0 && checksum(octets, at, at + whole.length - 2) === octets[at + whole.length - 2];
}

describe('a million frames', () => {
  it('random or mutated, neither crash the codec nor become what no meter sent', () => {
    const below = seeded(645);
    const seen = { frames: 0, answers: 0, values: 0, foreign: 0, checksumFaults: 0 };
    for (let run = 0; run < 1_000_000; run++) {
      const { request, identifier, item } = ASKED[run % ASKED.length] as (typeof ASKED)[number];
      const kind = below(10);
      let octets: Uint8Array;
      let isWhole = false;
      if (kind === 0) {
        octets = new Uint8Array(1 + below(40));
        for (let at = 0; at < octets.length; at++) octets[at] = below(4) === 0 ? 0x68 : below(256);
      } else {
        const data = new Uint8Array(identifier.length + (below(3) === 0 ? below(17) : itemOctets(item)));
        data.set(identifier);
        for (let at = identifier.length; at < data.length; at++) data[at] = below(10) | (below(10) << 4);
        // From kind 6 on it is what a meter may send: data and control code are random, the frame is whole.
        if (kind >= 6 && below(3) === 0) data[below(data.length)] = below(256);
        const control = below(4) === 0 ? 0x80 | below(128) : 0x80 | request.frame.control;
        octets = encodeFrame({ address: request.frame.address, control, data }, below(5));
        isWhole = kind >= 6;
        if (!isWhole) for (let hits = 1 + below(3); hits > 0; hits--) octets[below(octets.length)] = below(256);
        if (kind === 1) octets = octets.subarray(0, below(octets.length));
      }
      const scanner = new FrameScanner();
      let frames = 0;
      const judge = (frame: MeterFrame) => {
        frames += 1;
        if (!contains(octets, frame)) throw new Error(`run ${run}: a frame that was not there`);
        const answer = judgeAnswer(request, frame);
        if (answer.kind === 'foreign') seen.foreign += 1;
        if (answer.kind !== 'data') return;
        seen.answers += 1;
        if (frame.address !== request.frame.address) throw new Error(`run ${run}: the answer of ${frame.address}`);
        const values = readItem(item, answer.data);
        if (values === 'length') return;
        for (const read of values) {
          if ('fault' in read) continue;
          seen.values += 1;
          if (typeof read.value === 'number' && !(Number.isFinite(read.value) && read.value >= -80 && read.value < 1e6))
            throw new Error(`run ${run}: ${read.value}`);
        }
      };
      const cut = below(octets.length + 1);
      scanner.push(octets.subarray(0, cut), judge);
      scanner.push(octets.subarray(cut), judge);
      if (scanner.waitingOctets > 211) throw new Error(`${scanner.waitingOctets} octets kept`);
      scanner.settle(judge);
      if (scanner.waitingOctets > 0) throw new Error('octets kept after a silence');
      if (isWhole && frames !== 1) throw new Error(`run ${run}: ${frames} frames`);
      seen.frames += frames;
      seen.checksumFaults += scanner.counters.checksumFaults;
    }
    // All outcomes were met often, else the test would say nothing.
    expect(seen.frames).toBeGreaterThan(400_000);
    expect(seen.answers).toBeGreaterThan(200_000);
    expect(seen.values).toBeGreaterThan(50_000);
    expect(seen.foreign).toBeGreaterThan(50_000);
    expect(seen.checksumFaults).toBeGreaterThan(100_000);
  }, 60_000);
});
