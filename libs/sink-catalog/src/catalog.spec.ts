import { describe, expect, it } from 'vitest';
import { SINKS } from './catalog.js';

describe('the catalog of sinks', () => {
  it('lists each sink under its own id', async () => {
    expect(Object.keys(SINKS)).toEqual(['enos', 'mqtt']);
    for (const [id, load] of Object.entries(SINKS)) expect((await load()).id).toBe(id);
  });
});
