import { describe, expect, it } from 'vitest';
import { SERVERS } from './catalog.js';

describe('the catalog of servers', () => {
  it('lists each server under its own id', async () => {
    expect(Object.keys(SERVERS)).toEqual(['iec104', 'modbus']);
    for (const [id, load] of Object.entries(SERVERS)) expect((await load()).id).toBe(id);
  });
});
