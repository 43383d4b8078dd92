import 'reflect-metadata';
import type { ConnectionReport } from '@busbar/service-kit';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { UploaderMetrics } from './uploader-metrics.js';

const report = (state: ConnectionReport['state'], lastAcknowledgedAt: number | null): ConnectionReport => ({
  state,
  since: 0,
  diagnosis: null,
  scanLoad: null,
  devices: [],
  sink: { acknowledged: 1, refused: 0, lastAcknowledgedAt, waiting: 0 },
});

describe('figures of sinks', () => {
  it('count from 0 before anything happens, and say what waits when they are asked for', async () => {
    const registry = new Registry();
    const metrics = new UploaderMetrics(registry);
    let lag = { records: 0, ageMs: 0 };
    metrics.runs('cloud', () => lag);
    expect(await registry.metrics()).toContain('uploader_values_total{sink="cloud",outcome="refused"} 0');
    lag = { records: 7, ageMs: 1500 };
    const text = await registry.metrics();
    expect(text).toContain('uploader_lag_records{sink="cloud"} 7');
    expect(text).toContain('uploader_lag_seconds{sink="cloud"} 1.5');
    expect(text).toContain('uploader_sink_up{sink="cloud"} 0');
    expect(text).not.toContain('uploader_acknowledged_timestamp_seconds{');
  });

  it('say whether the sink takes values, and when it last did', async () => {
    const registry = new Registry();
    const metrics = new UploaderMetrics(registry);
    metrics.runs('cloud', () => ({ records: 0, ageMs: 0 }));
    metrics.reported('cloud', report('active', 5000));
    const text = await registry.metrics();
    expect(text).toContain('uploader_sink_up{sink="cloud"} 1');
    expect(text).toContain('uploader_acknowledged_timestamp_seconds{sink="cloud"} 5');
    metrics.reported('cloud', report('degraded', 5000));
    expect(await registry.metrics()).toContain('uploader_sink_up{sink="cloud"} 0');
  });

  it('go with the sink', async () => {
    const registry = new Registry();
    const metrics = new UploaderMetrics(registry);
    metrics.runs('cloud', () => ({ records: 0, ageMs: 0 }));
    metrics.reported('cloud', report('active', 5000));
    metrics.gone('cloud');
    metrics.reported('cloud', report('degraded', null));
    expect(await registry.metrics()).not.toContain('sink="cloud"');
  });
});
