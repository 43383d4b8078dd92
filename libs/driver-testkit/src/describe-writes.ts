import type { AnyDriver } from '@busbar/driver-sdk';
import type { Value } from '@busbar/model';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from './describe-faults.js';
import { DriverBench } from './driver-bench.js';
import type { SimulatedDevice } from './simulated-device.js';

/** Writes: one result each, never repeated, never claimed. */
export function describeWrites(driver: AnyDriver, simulate: () => Promise<SimulatedDevice>): void {
  describe('when it writes', () => {
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
    const value = (i = 0): Value => simulator.writable.values[i % simulator.writable.values.length] as Value;

    it('says done when the device has it, once', async () => {
      for (let i = 0; i < simulator.writable.values.length; i++) {
        expect(await bench.write(value(i))).toMatchObject({ outcome: 'done' });
      }
      expect(simulator.written()).toEqual(simulator.writable.values);
    });

    it('has sent within the turn of the event loop in which it was asked', async () => {
      await bench.connect();
      const writing = bench.write(value());
      await new Promise<void>((resolve) => process.nextTick(resolve));
      expect(bench.frames.at(-1)?.direction).toBe('sent');
      await writing;
    });

    it('says unknown when the link is cut after it was sent, and repeats nothing', async () => {
      await bench.connect();
      simulator.choose(() => 'silent');
      const writing = bench.write(value());
      setImmediate(() => simulator.cut());
      expect(await writing).toMatchObject({ outcome: 'unknown', reason: 'LINK_LOST', sessionEnded: true });
      simulator.choose(null);
      await bench.scan();
      expect(simulator.written().length).toBeLessThanOrEqual(1);
    });

    it('says unknown when nothing answers, and not-sent when the session had ended before', async () => {
      const session = await bench.connect();
      simulator.choose(() => 'silent');
      expect(await bench.write(value())).toMatchObject({ outcome: 'unknown', reason: 'NO_ANSWER' });
      simulator.choose(null);
      await bench.driver.close(session);
      bench.session = session;
      const before = simulator.written().length;
      expect(await bench.write(value())).toMatchObject({ outcome: 'not-sent' });
      expect(simulator.written().length).toBe(before);
    });

    it('sends nothing on a read-only connection', async () => {
      const readOnly = new DriverBench(driver, simulator, true);
      await readOnly.connect();
      // A link may have to be opened by frames of its own.
      const before = readOnly.frames.length;
      expect(await readOnly.write(value())).toMatchObject({ outcome: 'not-sent' });
      expect(readOnly.frames.length).toBe(before);
      expect(simulator.written()).toEqual([]);
      expect((await readOnly.scan()).right).toBe(simulator.tags.length);
      await readOnly.close();
    });

    it('never claims done for a write that the device did not do, whatever happens to the answer', {
      timeout: 120_000,
    }, async () => {
      const random = seededRandom(77);
      simulator.choose(() =>
        random() < 0.3 ? (simulator.faults[Math.floor(random() * simulator.faults.length)]?.name ?? null) : null,
      );
      for (let i = 0; i < 300; i++) {
        const before = simulator.written().length;
        const result = await bench.write(value(i)).catch(async () => {
          await bench.close();
          return null;
        });
        const executed = simulator.written().length - before;
        if (result === null) expect(executed, 'no session was had').toBe(0);
        else if (result.outcome === 'done') expect(simulator.written().slice(before)).toEqual([value(i)]);
        else if (result.outcome !== 'unknown') expect(executed, result.outcome).toBe(0);
        else expect(executed).toBeLessThanOrEqual(1);
      }
    });
  });
}
