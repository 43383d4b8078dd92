import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AnyDriver, defineDriver, driverCheck, type PlannedRequest } from './index.js';

const driver = defineDriver<
  { host: string; key?: string | undefined },
  { unit: number },
  object,
  string,
  null,
  PlannedRequest
>({
  id: 'plain',
  version: '1.0.0',
  title: 'Plain',
  summary: 'A driver for this test.',
  stability: 'experimental',
  connection: z.strictObject({
    host: z.string().min(1).meta({ title: 'Host', description: 'Name or IP address.' }),
    key: z.string().optional().meta({ title: 'Key', description: 'As secret:<path>.', secret: true }),
  }),
  device: z.strictObject({ unit: z.number().int().default(1).meta({ title: 'Unit', description: '0 to 255.' }) }),
  quirks: z.strictObject({}),
  address: {
    examples: ['a:1'],
    parse: (text) =>
      text.startsWith('a:')
        ? text
        : { problem: { code: 'TAG_ADDRESS' as const, reason: `${text} is no address`, fix: 'Write a:1.' } },
    format: (address) => address,
    check: (_address, tag) =>
      tag.type === 'string' ? { code: 'TAG_TYPE', reason: 'no texts here', fix: 'Use uint16.' } : null,
  },
  connect: async () => null,
  close: async () => {},
});

describe('driver as the package validator sees it', () => {
  const check = driverCheck(driver as unknown as AnyDriver);
  const row = { count: 1, length: undefined, order: 'ABCD', access: 'r', writeMode: undefined };

  it('fills in defaults and names secret fields', () => {
    expect(check.device.parse({})).toEqual({ value: { unit: 1 } });
    expect(check.connection.secrets).toEqual(['key']);
  });

  it('names the wrong and the unknown field, and the fields there are', () => {
    expect(check.connection.parse({ host: '', hots: 'x' })).toEqual({
      problems: [
        expect.objectContaining({ path: ['host'], fix: 'Name or IP address.' }),
        { path: ['hots'], reason: 'the driver knows no such field', fix: 'Fields: host, key.' },
      ],
    });
  });

  it('judges address, type and the row as a whole', () => {
    expect(check.checkTag({ ...row, address: 'b:1', type: 'uint16' }, 0)?.code).toBe('TAG_ADDRESS');
    expect(check.checkTag({ ...row, address: 'a:1', type: 'uint17' }, 0)?.code).toBe('TAG_TYPE');
    expect(check.checkTag({ ...row, address: 'a:1', type: 'string' }, 0)?.reason).toBe('no texts here');
    expect(check.checkTag({ ...row, address: 'a:1', type: undefined }, 0)).toBe(null);
  });
});
