import { type AnyDriver, isAddressProblem, type PlannedRequest, type Tag } from '@busbar/driver-sdk';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DriverBench, type UntypedDriver } from './driver-bench.js';
import type { SimulatedDevice } from './simulated-device.js';

interface FieldSchema {
  readonly title?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
}

function fieldsOf(schema: FieldSchema, path: string): [string, FieldSchema][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
    [`${path}.${name}`, field] as [string, FieldSchema],
    ...fieldsOf(field, `${path}.${name}`),
  ]);
}

/** A plan without regard to the order of its requests and of the tags in them. */
function planText(requests: readonly PlannedRequest[]): string[] {
  return requests.map((request) => `${request.text}: ${[...request.tags].sort((a, b) => a - b).join(' ')}`).sort();
}

/** What can be said of a driver without a device: identity, fields, addresses, plan. */
export function describeShape(driver: AnyDriver, simulate: () => Promise<SimulatedDevice>): void {
  describe('by itself', () => {
    const untyped = driver as unknown as UntypedDriver;
    let simulator: SimulatedDevice;
    let bench: DriverBench;
    beforeAll(async () => {
      simulator = await simulate();
      bench = new DriverBench(driver, simulator);
    });
    afterAll(() => simulator.close());

    it('says who it is', () => {
      expect(driver.id).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
      expect(driver.version).toMatch(/^\d+\.\d+\.\d+$/);
      expect(driver.title).not.toBe('');
      expect(driver.summary).toMatch(/^[A-Z].*\.$/);
    });

    it.each(['connection', 'device', 'quirks'] as const)('describes every field of %s', (part) => {
      const json = z.toJSONSchema(driver[part], { io: 'input', unrepresentable: 'any' }) as FieldSchema;
      for (const [path, field] of fieldsOf(json, part)) {
        expect(field.title, `title of ${path}`).toBeTruthy();
        expect(field.description, `description of ${path}`).toBeTruthy();
      }
    });

    it('accepts again what it has checked', () => {
      const checked = untyped.connection.parse(simulator.connection);
      expect(untyped.connection.parse(checked)).toEqual(checked);
      expect(untyped.quirks.parse(untyped.quirks.parse({}))).toEqual(untyped.quirks.parse({}));
    });

    it('reads its own examples of addresses, and writes them the same way', () => {
      expect(untyped.address.examples.length).toBeGreaterThan(0);
      for (const text of untyped.address.examples) {
        const address = untyped.address.parse(text, 0);
        expect(isAddressProblem(address), text).toBe(false);
        expect(untyped.address.parse(untyped.address.format(address), 0)).toEqual(address);
      }
    });

    it('answers a wrong address with a fix, and never throws', () => {
      fc.assert(
        fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), fc.constantFrom(0, 1), (text, base) => {
          const parsed = untyped.address.parse(`?${text}`, base as 0 | 1);
          expect(isAddressProblem(parsed) && parsed.problem.fix !== '').toBe(true);
        }),
      );
    });

    it('accepts every row of its simulator', () => {
      for (const { row } of simulator.tags) {
        expect(untyped.address.check(untyped.address.parse(row.address, 0), row), row.address).toBe(null);
      }
    });

    it('plans each tag once, the same in whatever order the tags come, and names them by their index', () => {
      const tags = bench.tags().map((tag): Tag<unknown> => ({ ...tag, index: tag.index * 3 + 7 }));
      const plan = planText(bench.plan(tags));
      const planned = bench.plan(tags).flatMap((request) => [...request.tags]);
      expect(planned.sort((a, b) => a - b)).toEqual(tags.map((tag) => tag.index));
      fc.assert(
        fc.property(fc.shuffledSubarray(tags, { minLength: tags.length, maxLength: tags.length }), (shuffled) => {
          expect(planText(bench.plan(shuffled))).toEqual(plan);
        }),
        { numRuns: 30 },
      );
    });

    it('plans nothing for nothing', () => {
      expect(bench.plan([])).toEqual([]);
    });
  });
}
