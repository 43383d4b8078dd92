import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { AnyDriver } from '@busbar/driver-sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DriverBench } from './driver-bench.js';
import type { SimulatedDevice } from './simulated-device.js';

const FAULT_SHARE = 0.2;
const MORE_BYTES = 4_000_000;

/** A repeatable stream of numbers from 0 to 1 (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

/** Devices and networks that do not behave: no fault ever becomes a value. */
export function describeFaults(driver: AnyDriver, simulate: () => Promise<SimulatedDevice>, exchanges: number): void {
  describe('at a device that does not behave', () => {
    let simulator: SimulatedDevice;
    let bench: DriverBench;
    beforeEach(async () => {
      simulator = await simulate();
      bench = new DriverBench(driver, simulator);
    });
    afterEach(async () => {
      await bench.close();
      await simulator.close();
    });

    it('takes no value from a late, doubled, foreign, cut or broken answer', { timeout: 240_000 }, async () => {
      const random = seededRandom(20_251);
      const met = new Map<string, number>();
      let asked = 0;
      simulator.choose(() => {
        asked++;
        if (random() >= FAULT_SHARE) return null;
        const fault = simulator.faults[Math.floor(random() * simulator.faults.length)]?.name ?? null;
        if (fault) met.set(fault, (met.get(fault) ?? 0) + 1);
        return fault;
      });
      let right = 0;
      while (asked < exchanges) {
        const result = await bench.scan();
        expect(result.wrong).toEqual([]);
        right += result.right;
      }
      expect([...met.keys()].sort()).toEqual(simulator.faults.map((fault) => fault.name).sort());
      expect(right).toBeGreaterThan(exchanges);
      expect(bench.reconnects).toBeGreaterThan(0);
    });

    it('still takes the value when nothing but the segments is odd', { timeout: 60_000 }, async () => {
      for (const fault of simulator.faults.filter((one) => one.isHarmless)) {
        simulator.choose(() => fault.name);
        expect(await bench.scan(), fault.name).toEqual({
          right: simulator.tags.length,
          wrong: [],
          bad: 0,
          fault: null,
        });
      }
    });

    it('meets each fault alone with a fault or bad samples, then goes on', { timeout: 60_000 }, async () => {
      for (const fault of simulator.faults.filter((one) => !one.isHarmless)) {
        let isDue = true;
        simulator.choose(() => {
          const now = isDue;
          isDue = false;
          return now ? fault.name : null;
        });
        const scan = await bench.scan();
        expect(scan.wrong, fault.name).toEqual([]);
        simulator.choose(null);
        let after = await bench.scan();
        for (let i = 0; i < 3 && after.fault; i++) after = await bench.scan();
        expect(after, `after ${fault.name}`).toEqual({ right: simulator.tags.length, wrong: [], bad: 0, fault: null });
      }
    });

    it('does not grow with the number of exchanges', { timeout: 120_000 }, async () => {
      for (let i = 0; i < 50; i++) await bench.scan();
      const before = usedBytes();
      for (let i = 0; i < 400; i++) await bench.scan();
      expect(usedBytes() - before).toBeLessThan(MORE_BYTES);
    });
  });
}
