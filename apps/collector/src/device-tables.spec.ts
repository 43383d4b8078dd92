import type { DeviceConfig } from '@busbar/events';
import type { AppliedGeneration } from '@busbar/service-kit';
import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceTables } from './device-tables.js';

function generation(number: number, tables: Readonly<Record<string, string>>): AppliedGeneration {
  const devices = Object.entries(tables).map(([id, table]) => ({ id, table }) as DeviceConfig);
  const line = { kind: 'access', id: 'line', devices };
  return { number, digest: '', configuration: { connections: [line] } as never };
}

let tables: DeviceTables;

function publish(number: number, of: Readonly<Record<string, string>>): void {
  tables.add(generation(number, of));
  tables.applied(number);
}

beforeEach(() => {
  tables = new DeviceTables();
});

describe('a device has the table of a grant', () => {
  it('in the generation that runs', () => {
    publish(1, { d1: 'a' });
    expect(tables.isUnchanged('d1', 1)).toBe(true);
    expect(tables.isUnchanged('d2', 1)).toBe(false);
  });

  it('of an older generation, if it never changed since', () => {
    publish(1, { d1: 'a', d2: 'a' });
    publish(2, { d1: 'a', d2: 'b' });
    publish(3, { d1: 'a', d2: 'a' });
    expect(tables.isUnchanged('d1', 1)).toBe(true);
    expect(tables.isUnchanged('d2', 1)).toBe(false);
    expect(tables.isUnchanged('d2', 3)).toBe(true);
  });

  it('not while another one is about to be applied, nor before it runs', () => {
    publish(1, { d1: 'a' });
    tables.add(generation(2, { d1: 'b' }));
    expect(tables.isUnchanged('d1', 1)).toBe(false);
    expect(tables.isUnchanged('d1', 2)).toBe(false);
    tables.applied(2);
    expect(tables.isUnchanged('d1', 2)).toBe(true);
  });

  it('not in a generation that is unknown: newer, or long ago', () => {
    for (let number = 1; number <= 6; number++) publish(number, { d1: 'a' });
    expect(tables.isUnchanged('d1', 7)).toBe(false);
    expect(tables.isUnchanged('d1', 1)).toBe(false);
    expect(tables.isUnchanged('d1', 3)).toBe(true);
  });

  it('not before anything runs', () => {
    tables.add(generation(1, { d1: 'a' }));
    expect(tables.isUnchanged('d1', 1)).toBe(false);
  });
});
