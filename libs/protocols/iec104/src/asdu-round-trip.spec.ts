import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Apdu, ApduFramer, encodeApdu } from './apci.js';
import { type Asdu, decodeAsdu, isAsduFault } from './asdu.js';
import {
  type AsduSettings,
  DEFAULT_ASDU_SETTINGS,
  headerOctets,
  maxObjectAddress,
  objectsPerAsdu,
} from './asdu-settings.js';
import { ASDU_TYPES, type AsduType } from './asdu-types.js';
import { encodeAnyAsdu } from './encode-asdu.js';
import { decoded, seeded, toHex } from './test-frames.js';
import { anyObject, anySettings } from './test-objects.js';

function again(asdu: Asdu, settings: AsduSettings): Uint8Array {
  const { type, cause, commonAddress, isTest, isNegative, originator, isSequence } = asdu;
  const objects = asdu.objects();
  return encodeAnyAsdu({ type, cause, commonAddress, isTest, isNegative, originator, isSequence, objects }, settings);
}

function headerOf({ type, cause, commonAddress, isTest, isNegative, originator }: Asdu) {
  return { type, cause, commonAddress, isTest, isNegative, originator };
}

describe.each(ASDU_TYPES.map((layout) => [layout.name, layout] as const))('%s', (_, layout) => {
  it('comes back as it was sent, whatever values and settings', () => {
    const cases = anySettings.chain((settings) =>
      fc.record({
        settings: fc.constant(settings),
        header: fc.record({
          type: fc.constant(layout.id),
          cause: fc.integer({ min: 0, max: 63 }),
          commonAddress: fc.integer({ min: 0, max: settings.commonAddressOctets === 1 ? 255 : 65_535 }),
          isTest: fc.boolean(),
          isNegative: fc.boolean(),
          originator: fc.integer({ min: 0, max: settings.causeOctets === 1 ? 0 : 255 }),
        }),
        objects: fc.array(anyObject(layout, settings), {
          minLength: 1,
          maxLength: layout.isSegment ? 1 : Math.min(objectsPerAsdu(layout.elementOctets, false, settings), 12),
        }),
        isSequence: layout.isSequenceUnderstood ? fc.boolean() : fc.constant(false),
      }),
    );
    fc.assert(
      fc.property(cases, ({ settings, header, objects, isSequence }) => {
        const first = Math.min(objects[0]?.address ?? 0, maxObjectAddress(settings) - objects.length + 1);
        const sent = isSequence ? objects.map((object, index) => ({ ...object, address: first + index })) : objects;
        const octets = encodeAnyAsdu({ ...header, isSequence, objects: sent }, settings);
        const asdu = decoded(octets, settings);
        expect({ ...headerOf(asdu), isSequence: asdu.isSequence }).toEqual({ ...header, isSequence });
        // Float32 has a negative zero, and keeps it.
        expect(asdu.objects()).toEqual(sent);
        expect(toHex(again(asdu, settings))).toBe(toHex(octets));
      }),
      { numRuns: 60 },
    );
  });
});

const RANDOM_SETTINGS: readonly AsduSettings[] = [
  DEFAULT_ASDU_SETTINGS,
  { causeOctets: 1, commonAddressOctets: 1, objectAddressOctets: 2 },
  { causeOctets: 2, commonAddressOctets: 2, objectAddressOctets: 1 },
];

/** Octets that look like an ASDU of this type, well-formed but for what is random. */
function plausible(layout: AsduType, settings: AsduSettings, below: (n: number) => number): Uint8Array {
  const isSequence = layout.isSequenceUnderstood && below(2) === 0;
  const count = layout.isSegment ? 1 : 1 + below(3);
  const address = settings.objectAddressOctets;
  const data = layout.isSegment ? below(20) : 0;
  const start = headerOctets(settings);
  const objects = isSequence ? address + count * layout.elementOctets : count * (address + layout.elementOctets);
  const octets = new Uint8Array(start + objects + data);
  for (let at = 2; at < octets.length; at++) octets[at] = below(256);
  octets[0] = layout.id;
  octets[1] = count | (isSequence ? 0x80 : 0);
  const step = layout.elementOctets + (isSequence ? 0 : address);
  for (let at = start + address; at < octets.length; at += Math.max(step, 1)) {
    for (const [offset, mask] of layout.reserved) octets[at + offset] = (octets[at + offset] ?? 0) & ~mask;
  }
  if (layout.isSegment) octets[start + address + layout.elementOctets - 1] = data;
  return octets;
}

describe('a million frames', () => {
  it('random or mutated, neither crash the decoder nor are taken for what they are not', () => {
    const below = seeded(104);
    const seen = { frames: 0, accepted: 0, refused: 0, notFinite: 0 };
    const judge = (frame: Apdu, settings: AsduSettings) => {
      seen.frames += 1;
      if (frame.format !== 'I') return;
      const asdu = decodeAsdu(frame.asdu, settings);
      if (isAsduFault(asdu)) {
        seen.refused += 1;
        return;
      }
      seen.accepted += 1;
      if (asdu.objects().some(({ value }) => !Number.isFinite(value))) {
        // Read for what it is, but never to be sent.
        seen.notFinite += 1;
        return;
      }
      if (!isSame(again(asdu, settings), frame.asdu)) expect(toHex(again(asdu, settings))).toBe(toHex(frame.asdu));
    };
    for (let run = 0; run < 1_000_000; run++) {
      const settings = RANDOM_SETTINGS[run % RANDOM_SETTINGS.length] as AsduSettings;
      const layout = ASDU_TYPES[below(ASDU_TYPES.length)] as AsduType;
      const kind = below(10);
      const apdu = { format: 'I', sent: below(32_768), received: below(32_768) } as const;
      let octets: Uint8Array;
      if (kind === 0) {
        octets = new Uint8Array(1 + below(40));
        for (let at = 0; at < octets.length; at++) octets[at] = below(256);
      } else {
        octets = encodeApdu({ ...apdu, asdu: plausible(layout, settings, below) });
        // From kind 5 on the frame stays whole but for octets of the ASDU.
        const from = kind < 5 ? 0 : 6;
        for (let hits = below(4); hits > 0; hits--) octets[from + below(octets.length - from)] = below(256);
        if (kind === 1) octets = octets.subarray(0, below(octets.length));
      }
      const framer = new ApduFramer();
      framer.push(octets, (frame) => judge(frame, settings));
      if (framer.waitingOctets > 254) throw new Error(`${framer.waitingOctets} octets kept`);
    }
    // Both outcomes were met often, else the test would say nothing.
    expect(seen.accepted).toBeGreaterThan(100_000);
    expect(seen.refused).toBeGreaterThan(100_000);
    expect(seen.notFinite).toBeGreaterThan(10);
  }, 60_000);
});

function isSame(first: Uint8Array, second: Uint8Array): boolean {
  return Buffer.compare(first, second) === 0;
}
