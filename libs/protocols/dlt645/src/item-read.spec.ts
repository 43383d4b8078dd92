import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHexHighFirst } from './bcd.js';
import type { Edition } from './control-codes.js';
import { ItemRead } from './item-read.js';
import type { MeterRequest } from './requests.js';
import { hex, toHex } from './test-frames.js';

const ADDRESS = '000000000003';
const IDENTIFIERS: Readonly<Record<Edition, string>> = { '1997': '901F', '2007': '0001FF00' };

/** A meter's answer to the request with this part of the item. */
function answerTo(request: MeterRequest, part: Uint8Array, hasMore: boolean) {
  const { identifier, sequence, frame } = request;
  const tail = sequence === null ? [] : [sequence];
  const data = Uint8Array.of(...fromHexHighFirst(identifier ?? ''), ...part, ...tail);
  return { address: ADDRESS, control: 0x80 | frame.control | (hasMore ? 0x20 : 0), data };
}

describe('ItemRead', () => {
  it('puts following frames together in order, in both editions', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Edition>('1997', '2007'),
        fc.array(fc.uint8Array({ maxLength: 190 }), { minLength: 1, maxLength: 20 }),
        (edition, parts) => {
          const read = new ItemRead({ edition, address: ADDRESS, identifier: IDENTIFIERS[edition] });
          for (const [index, part] of parts.entries()) {
            expect(read.take(read.request.frame)).toEqual({ kind: 'echo' });
            const isLast = index === parts.length - 1;
            const asked = read.request;
            const step = read.take(answerTo(asked, part, !isLast));
            expect(step.kind).toBe(isLast ? 'done' : 'more');
            if (step.kind === 'done') {
              expect(toHex(step.data)).toBe(toHex(Buffer.concat(parts)));
              expect(step.address).toBe(ADDRESS);
            }
            // What came once never counts twice, where frames carry a number.
            if (edition === '2007') expect(read.take(answerTo(asked, part, !isLast)).kind).toBe('foreign');
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('asks by the codes of the edition, numbered in the later one alone', () => {
    const asked = (edition: Edition) => {
      const read = new ItemRead({ edition, address: ADDRESS, identifier: IDENTIFIERS[edition] });
      read.take(answerTo(read.request, hex('01'), true));
      return [read.request.frame.control, toHex(read.request.frame.data)];
    };
    expect(asked('1997')).toEqual([0x02, '1F90']);
    expect(asked('2007')).toEqual([0x12, '00FF010001']);
  });

  it('goes on with the meter that answered a wildcard first', () => {
    const read = new ItemRead({ edition: '2007', address: 'AAAAAAAAAAAA', identifier: IDENTIFIERS['2007'] });
    read.take(answerTo(read.request, hex('01'), true));
    expect(read.request.frame.address).toBe(ADDRESS);
    expect(read.take({ ...answerTo(read.request, hex('02'), false), address: '000000000004' })).toEqual({
      kind: 'foreign',
      reason: 'address',
    });
  });

  it('gives no part of an item when the meter refuses the rest', () => {
    const read = new ItemRead({ edition: '2007', address: ADDRESS, identifier: IDENTIFIERS['2007'] });
    read.take(answerTo(read.request, hex('01'), true));
    const last = answerTo(read.request, hex('02'), false);
    expect(read.take({ address: ADDRESS, control: 0xd2, data: hex('01') })).toMatchObject({ kind: 'error', word: 1 });
    expect(read.take(last).kind).toBe('foreign');
  });

  it.each(['1997', '2007'] as const)('ends with a meter of %s that always has more', (edition) => {
    const read = new ItemRead({ edition, address: ADDRESS, identifier: IDENTIFIERS[edition] });
    let steps = 1;
    while (read.take(answerTo(read.request, hex('01'), true)).kind === 'more') steps += 1;
    expect(steps).toBe(256);
    expect(read.take(answerTo(read.request, hex('01'), false)).kind).toBe('foreign');
  });
});
