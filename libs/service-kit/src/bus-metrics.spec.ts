import type { Bus, BusHealth } from '@busbar/bus';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { watchBus } from './bus-metrics.js';
import type { Lag } from './transport.js';

describe('figures of the bus', () => {
  it('say its state and what waits for each consumer when they are asked for', async () => {
    const registry = new Registry();
    let health: BusHealth = { state: 'up', sinceMs: 0, diagnosis: null, waitingBytes: 12 };
    let lags: Lag[] = [{ topic: 'tags.sampled.v1', group: 'mapper', records: 3, oldestMs: 4_000 }];
    const bus = { health: () => health } as unknown as Bus;
    const clock = { wallMs: () => 6_500, monotonicMs: () => 0 };
    watchBus(registry, { bus, clock, lags: () => lags });
    const text = await registry.metrics();
    expect(text).toContain('bus_up 1');
    expect(text).toContain('bus_waiting_bytes 12');
    expect(text).toContain('bus_lag_records{topic="tags.sampled.v1",group="mapper"} 3');
    expect(text).toContain('bus_lag_seconds{topic="tags.sampled.v1",group="mapper"} 2.5');
    health = { ...health, state: 'down' };
    lags = [{ topic: 'tags.sampled.v1', group: 'mapper', records: 0, oldestMs: null }];
    const later = await registry.metrics();
    expect(later).toContain('bus_up 0');
    expect(later).toContain('bus_lag_seconds{topic="tags.sampled.v1",group="mapper"} 0');
  });
});
