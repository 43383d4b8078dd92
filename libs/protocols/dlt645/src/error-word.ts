import type { Edition } from './control-codes.js';

/** DL/T 645-2007 appendix C, DL/T 645-1997 §7: bits of the error word, lowest first. */
const BITS: Readonly<Record<Edition, readonly string[]>> = {
  '1997': [
    'illegal data',
    'unknown data identifier',
    'wrong password',
    'reserved bit 3',
    'too many year zones',
    'too many day intervals',
    'too many tariffs',
    'reserved bit 7',
  ],
  '2007': [
    'other error',
    'no such data',
    'wrong password or not authorized',
    'line rate cannot be changed',
    'too many year zones',
    'too many day intervals',
    'too many tariffs',
    'reserved bit 7',
  ],
};

/** The error word in words, one per bit; "no reason given" for 0. */
export function errorReasons(edition: Edition, word: number): readonly string[] {
  const reasons = BITS[edition].filter((_, bit) => ((word >> bit) & 1) === 1);
  return reasons.length === 0 ? ['no reason given'] : reasons;
}

/** True if the meter says that it does not have what was asked: that tag is wrong, not the connection. */
export function isNoSuchData(word: number): boolean {
  return (word & 0x02) !== 0;
}
