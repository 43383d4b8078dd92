import { describe, expect, it } from 'vitest';
import { DRIVERS } from './catalog.js';

describe('the catalog of drivers', () => {
  it('lists each driver under its own id', async () => {
    expect(Object.keys(DRIVERS)).toEqual(['iec104', 'modbus']);
    for (const [id, load] of Object.entries(DRIVERS)) expect((await load()).id).toBe(id);
  });
});
