import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AnyServer, defineServer } from './server.js';
import { serverCheck } from './server-check.js';

const server = defineServer({
  id: 'test',
  version: '1.0.0',
  title: 'Test',
  summary: 'A server.',
  stability: 'experimental',
  addressing: 'modbus',
  config: z.strictObject({
    port: z.number().int().min(0).default(502).meta({ title: 'Port', description: 'Where it listens.', example: 1502 }),
  }),
  listen: async () => {
    throw new Error('never');
  },
});
const check = serverCheck(server as unknown as AnyServer);

describe('the check of a server for packages', () => {
  it('names the plug-in and how its addresses are planned', () => {
    expect(check).toMatchObject({ id: 'test', addressing: 'modbus' });
  });

  it('fills in defaults and says of each problem what to do', () => {
    expect(check.config.parse({})).toEqual({ value: { port: 502 } });
    expect(check.config.parse({ port: -1, host: 'a' })).toMatchObject({
      problems: [
        { path: ['port'], fix: 'Where it listens. Example: 1502' },
        { path: ['host'], reason: 'there is no such field', fix: 'Fields are: port.' },
      ],
    });
  });
});
