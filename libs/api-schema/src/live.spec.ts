import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientMessageSchema, serverMessageSchema } from './live.js';

describe('messages of the live socket', () => {
  it('are taken as documented', () => {
    const messages = [
      { t: 'hello' },
      { t: 'open', id: 1, kind: 'points', query: { text: 'inv', abnormal: true }, from: 0, count: 60, hz: 5 },
      { t: 'open', id: 2, kind: 'points', query: { paths: ['inv-01/INV.PowerLimit'] }, count: 1 },
      { t: 'window', id: 1, from: 420, count: 60 },
      { t: 'rate', hz: 1 },
      { t: 'close', id: 1 },
      { t: 'ack', seq: 1842 },
    ];
    for (const message of messages) expect(clientMessageSchema.safeParse(message).error).toBeUndefined();
  });

  it('are refused when a window asks for more than 500 rows or a field is unknown', () => {
    expect(clientMessageSchema.safeParse({ t: 'window', id: 1, from: 0, count: 501 }).success).toBe(false);
    expect(clientMessageSchema.safeParse({ t: 'ack', seq: 1, more: 1 }).success).toBe(false);
  });

  it('are judged without a throw whatever JSON arrives', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(typeof clientMessageSchema.safeParse(value).success).toBe('boolean');
        expect(typeof serverMessageSchema.safeParse(value).success).toBe('boolean');
      }),
    );
  });
});
