import type { Tag } from '@busbar/driver-sdk';
import { registerCount } from '@busbar/protocol-modbus';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModbusAddress } from './address.js';
import { deviceSchema, quirksSchema } from './connection.js';
import { formatOf, planRequests } from './plan.js';

const device = deviceSchema.parse({});
const tag = fc
  .record({
    table: fc.constantFrom('coil' as const, 'discrete' as const, 'input' as const, 'holding' as const),
    offset: fc.nat(400),
    type: fc.constantFrom('uint16' as const, 'float32' as const, 'float64' as const),
  })
  .map(
    ({ table, offset, type }): Omit<Tag<ModbusAddress>, 'index'> => ({
      address: { table, offset },
      type: table === 'coil' || table === 'discrete' ? 'bool' : type,
      count: 1,
      length: undefined,
      order: 'ABCD',
      access: 'r',
      writeMode: undefined,
    }),
  );

describe('block planning', () => {
  it('covers each tag once within its block, keeps the limits and never reads what is forbidden', () => {
    const quirks = fc.record({ maxBlock: fc.integer({ min: 4, max: 125 }), maxGap: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(tag, { maxLength: 60 }), quirks, fc.nat(400), (given, limits, forbidden) => {
        const tags = given.map((one, index) => ({ ...one, index }));
        const forbid = [`holding:${forbidden}-${forbidden + 3}`];
        const requests = planRequests({ device, quirks: quirksSchema.parse({ ...limits, forbid }), tags });
        const planned = requests.flatMap((request) => request.tags);
        expect(new Set(planned).size).toBe(planned.length);
        for (const request of requests) {
          const isBit = request.fc <= 2;
          expect(request.quantity).toBeLessThanOrEqual(isBit ? Math.min(2000, limits.maxBlock * 16) : limits.maxBlock);
          for (const index of request.tags) {
            const one = tags[index] as Tag<ModbusAddress>;
            const size = isBit ? 1 : registerCount(formatOf(one));
            expect(one.address.offset).toBeGreaterThanOrEqual(request.address);
            expect(one.address.offset + size).toBeLessThanOrEqual(request.address + request.quantity);
          }
          if (request.fc === 3) {
            const touches = request.address <= forbidden + 3 && request.address + request.quantity > forbidden;
            expect(touches).toBe(false);
          }
        }
        for (const one of tags.filter((other) => !planned.includes(other.index))) {
          expect(one.address.table).toBe('holding');
          const end = one.address.offset + registerCount(formatOf(one));
          expect(one.address.offset <= forbidden + 3 && end > forbidden).toBe(true);
        }
      }),
    );
  });

  it('needs 17 requests for 1000 floats in a row', () => {
    const tags = Array.from({ length: 1000 }, (_, index) => ({
      index,
      address: { table: 'holding' as const, offset: index * 2 },
      type: 'float32' as const,
      count: 1,
      length: undefined,
      order: 'ABCD' as const,
      access: 'r' as const,
      writeMode: undefined,
    }));
    expect(planRequests({ device, quirks: quirksSchema.parse({}), tags }).length).toBe(17);
  });
});
