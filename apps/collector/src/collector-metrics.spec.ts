import 'reflect-metadata';
import type { AccessState } from '@busbar/driver-host';
import { Registry } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { CollectorMetrics } from './collector-metrics.js';

type Device = AccessState['devices'][number];

const device = (id: string, rest: Partial<Device> = {}): Device => ({
  id,
  state: 'active',
  since: 0,
  diagnosis: null,
  lastAnswerAt: 0,
  tags: 10,
  tagsGood: 10,
  lateScans: 0,
  ...rest,
});

function state(devices: readonly Device[], rest: Partial<AccessState> = {}): AccessState {
  return {
    connection: 'plc',
    kind: 'access',
    generation: 1,
    state: 'active',
    since: 0,
    diagnosis: null,
    scanLoad: 0.25,
    devices: [...devices],
    sink: null,
    at: 0,
    ...rest,
  };
}

let registry: Registry;
let metrics: CollectorMetrics;
let states: AccessState[];

beforeEach(() => {
  registry = new Registry();
  metrics = new CollectorMetrics(registry);
  states = [];
  metrics.watchConnections(() => states);
});

const PLC = 'connection="plc",protocol="modbus"';

describe('figures of connections', () => {
  it('count from 0 before anything happens', async () => {
    metrics.runs('plc', 'modbus');
    const text = await registry.metrics();
    expect(text).toContain(`collector_late_scans_total{${PLC}} 0`);
    expect(text).toContain(`collector_errors_total{${PLC},kind="no-answer"} 0`);
    metrics.erred('plc', 'no-answer');
    expect(await registry.metrics()).toContain(`collector_errors_total{${PLC},kind="no-answer"} 1`);
  });

  it('say load, devices and tags as they are when they are asked for', async () => {
    metrics.runs('plc', 'modbus');
    states = [state([device('a'), device('b', { state: 'degraded', tagsGood: 0 })])];
    const text = await registry.metrics();
    expect(text).toContain(`collector_connection_up{${PLC}} 1`);
    expect(text).toContain(`collector_scan_load{${PLC}} 0.25`);
    expect(text).toContain(`collector_devices{${PLC},state="active"} 1`);
    expect(text).toContain(`collector_devices{${PLC},state="degraded"} 1`);
    expect(text).toContain(`collector_tags{${PLC},quality="good"} 10`);
    expect(text).toContain(`collector_tags{${PLC},quality="other"} 10`);
    states = [state([device('a', { state: 'degraded' })], { state: 'degraded', scanLoad: null })];
    const later = await registry.metrics();
    expect(later).toContain(`collector_connection_up{${PLC}} 0`);
    expect(later).not.toContain('collector_scan_load{');
  });

  it('count late scans on when a device is made anew, and never back', async () => {
    metrics.runs('plc', 'modbus');
    const seen = async (...devices: Device[]) => {
      states = [state(devices)];
      await registry.metrics();
      return (await registry.getSingleMetric('collector_late_scans_total')?.get())?.values[0]?.value;
    };
    expect(await seen(device('a', { lateScans: 5 }), device('b', { lateScans: 2 }))).toBe(7);
    expect(await seen(device('a', { lateScans: 6 }), device('b', { lateScans: 2 }))).toBe(8);
    expect(await seen(device('a', { lateScans: 6 }))).toBe(8);
    expect(await seen(device('a', { lateScans: 1 }))).toBe(9);
  });

  it('go with the connection', async () => {
    metrics.runs('plc', 'modbus');
    metrics.erred('plc', 'busy');
    states = [state([device('a')])];
    expect(await registry.metrics()).toContain('connection="plc"');
    states = [];
    metrics.gone('plc');
    metrics.erred('plc', 'busy');
    expect(await registry.metrics()).not.toContain('connection="plc"');
  });

  it('begin anew under another protocol', async () => {
    metrics.runs('plc', 'modbus');
    metrics.runs('plc', 'iec104');
    const text = await registry.metrics();
    expect(text).not.toContain('protocol="modbus"');
    expect(text).toContain('collector_late_scans_total{connection="plc",protocol="iec104"} 0');
  });
});
