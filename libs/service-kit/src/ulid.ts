import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID: 48 bits of epoch milliseconds, 80 random bits, Crockford base 32; sorts by time. */
export function ulid(wallMs: number): string {
  let time = '';
  let rest = Math.floor(wallMs);
  for (let i = 0; i < 10; i++) {
    time = ALPHABET[rest % 32] + time;
    rest = Math.floor(rest / 32);
  }
  let random = '';
  for (const octet of randomBytes(16)) random += ALPHABET[octet & 31];
  return time + random;
}
