import 'reflect-metadata';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { ForwarderMetrics } from './forwarder-metrics.js';

describe('figures of forwarding', () => {
  it('count refusals from 0 before anything happens, and say what the image lacks', async () => {
    const registry = new Registry();
    new ForwarderMetrics(registry).runs('grid', () => ({ records: 2, ageMs: 500 }));
    const text = await registry.metrics();
    expect(text).toContain('forwarder_clients_refused_total{connection="grid",why="address"} 0');
    expect(text).toContain('forwarder_lag_records{connection="grid"} 2');
    expect(text).toContain('forwarder_lag_seconds{connection="grid"} 0.5');
  });

  it('go with the connection, and leave those of others', async () => {
    const registry = new Registry();
    const metrics = new ForwarderMetrics(registry);
    for (const connection of ['grid', 'ems']) {
      metrics.runs(connection, () => ({ records: 0, ageMs: 0 }));
      metrics.requested(connection, 'read', 'ok');
      metrics.requested(connection, 'write', 'refused');
      metrics.clients.set({ connection }, 1);
    }
    metrics.gone('grid');
    const text = await registry.metrics();
    expect(text).not.toContain('connection="grid"');
    expect(text).toContain('forwarder_requests_total{connection="ems",function="write",answer="refused"} 1');
    expect(text).toContain('forwarder_clients{connection="ems"} 1');
  });
});
