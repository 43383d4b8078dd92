import type { AnyDriver } from '@busbar/driver-sdk';
import { DriverFaultError } from '@busbar/driver-sdk';
import { qualityLevel } from '@busbar/model';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DriverBench } from './driver-bench.js';
import type { SimulatedDevice } from './simulated-device.js';

/** Waits until `holds` is true; fails the test when it is not within 5 s. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const limit = performance.now() + 5_000;
  while (!holds()) {
    if (performance.now() > limit) expect.fail(`still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => /TCPSocketWrap|TCPConnectWrap|PipeWrap/.test(name)).length;
}

async function faultKind(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return error instanceof DriverFaultError ? error.fault.kind : `defect: ${String(error)}`;
  }
}

/** Reading from a device that behaves, and links that come and go. */
export function describeExchange(driver: AnyDriver, simulate: () => Promise<SimulatedDevice>): void {
  describe('at a device', () => {
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

    it('answers exactly the tags asked for, each once, with its value', async () => {
      await bench.connect();
      for (const request of bench.requests) {
        const out = await bench.read(request);
        expect([...out.samples.keys()].sort((a, b) => a - b)).toEqual([...request.tags].sort((a, b) => a - b));
        expect(out.repeated).toEqual([]);
      }
      expect(await bench.scan()).toEqual({ right: simulator.tags.length, wrong: [], bad: 0, fault: null });
    });

    it('shows every frame, sent and received', async () => {
      await bench.scan();
      expect(bench.frames.some((frame) => frame.direction === 'sent')).toBe(true);
      expect(bench.frames.some((frame) => frame.direction === 'received')).toBe(true);
    });

    it('takes an unknown address as a refusal or a bad sample, and goes on', async () => {
      const [request] = bench.plan([bench.tag(simulator.refused, 0)]);
      expect(request).toBeDefined();
      if (!request) return;
      await bench.connect();
      const out = await bench.read(request);
      for (const sample of out.samples.values()) expect(qualityLevel(sample.quality)).toBe('bad');
      expect((await bench.scan()).right).toBe(simulator.tags.length);
    });

    it('says connection-lost before the time-out when the link is cut during a read, and works again', async () => {
      await bench.connect();
      simulator.choose(() => 'silent');
      const startMs = performance.now();
      const reading = faultKind(bench.read(bench.requests[0] as (typeof bench.requests)[number]));
      setImmediate(() => simulator.cut());
      expect(await reading).toBe('connection-lost');
      expect(performance.now() - startMs).toBeLessThan(simulator.timeoutMs);
      simulator.choose(null);
      await bench.close();
      expect((await bench.scan()).right).toBe(simulator.tags.length);
    });

    it('says no-answer when the device is silent', async () => {
      await bench.connect();
      simulator.choose(() => 'silent');
      expect(await faultKind(bench.read(bench.requests[0] as (typeof bench.requests)[number]))).toBe('no-answer');
    });

    it('obeys an abort within a second, while it reads', async () => {
      await bench.connect();
      simulator.choose(() => 'silent');
      const abort = new AbortController();
      const startMs = performance.now();
      const reading = faultKind(bench.read(bench.requests[0] as (typeof bench.requests)[number], abort.signal));
      setImmediate(() => abort.abort());
      expect(await reading).toBe('connection-lost');
      expect(performance.now() - startMs).toBeLessThan(1_000);
    });

    it('obeys an abort that came before it connects', async () => {
      expect(await faultKind(bench.connect(AbortSignal.abort()))).toBe('connection-lost');
    });

    it('closes twice, before its first use, during a read, and after the link was lost', async () => {
      const fresh = await bench.connect();
      await Promise.all([bench.driver.close(fresh), bench.driver.close(fresh)]);
      await bench.driver.close(fresh);
      await bench.connect();
      simulator.choose(() => 'silent');
      const reading = faultKind(bench.read(bench.requests[0] as (typeof bench.requests)[number]));
      await bench.driver.close(bench.session);
      expect(await reading).toBe('connection-lost');
      simulator.choose(null);
      const lost = await bench.connect();
      simulator.cut();
      await until(() => simulator.openLinks() === 0, 'the link is gone');
      await bench.driver.close(lost);
      expect(await faultKind(bench.read(bench.requests[0] as (typeof bench.requests)[number]))).toBe('connection-lost');
    });

    it('says that nobody listens', async () => {
      await simulator.close();
      expect(await faultKind(bench.connect())).toBe('connection-lost');
    });

    it('leaves no socket behind', async () => {
      const before = sockets();
      for (let i = 0; i < 5; i++) {
        await bench.scan();
        simulator.choose(() => 'silent');
        await bench.scan();
        simulator.choose(null);
        await bench.close();
      }
      await until(() => simulator.openLinks() === 0, 'the device has no link open');
      await until(() => sockets() <= before, 'this process has no socket more than before');
    });
  });
}
