import { decodeJson } from '@busbar/events';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FiguresPublisher } from './figures-publisher.js';
import { FakeBus } from './testing/fake-bus.js';

const TOPIC = 'services.measured.v1';

describe('FiguresPublisher', () => {
  let bus: FakeBus;
  let registry: Registry;
  let publisher: FiguresPublisher;

  beforeEach(() => {
    bus = new FakeBus();
    registry = new Registry();
    publisher = new FiguresPublisher({
      bus,
      registry,
      clock: { wallMs: () => 1_000, monotonicMs: () => 50 },
      identity: { service: 'collector', bootId: 'boot', instance: 'i1' },
      workload: 'wind',
      name: 'collector-wind-0',
    });
  });

  const told = () => bus.published.map(({ key, value }) => ({ key, ...decodeJson(TOPIC, value as Uint8Array) }));

  it('tells its own metrics and a few of the process, and nothing else', async () => {
    const registers = [registry];
    new Gauge({ name: 'collector_scan_load', help: '-', labelNames: ['connection'], registers }).set(
      { connection: 'line' },
      0.25,
    );
    new Gauge({ name: 'nodejs_version_info', help: '-', registers }).set(1);
    new Gauge({ name: 'collector_ring_age_seconds', help: '-', registers }).set(Number.NaN);
    await publisher.tell();
    const [record] = told();
    expect(record).toMatchObject({
      key: 'i1',
      service: 'collector',
      workload: 'wind',
      instance: 'i1',
      name: 'collector-wind-0',
      at: 1_000,
      monotonicMs: 50,
      isLast: false,
    });
    expect(record?.figures.collector_scan_load).toEqual({
      kind: 'gauge',
      series: [{ labels: { connection: 'line' }, value: 0.25 }],
    });
    expect(Object.keys(record?.figures ?? {}).sort()).toEqual([
      'collector_scan_load',
      'nodejs_eventloop_lag_p99_seconds',
      'nodejs_heap_size_used_bytes',
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
    ]);
    expect(record?.figures.process_resident_memory_bytes?.series[0]?.value).toBeGreaterThan(1e7);
  });

  it('leaves labeled counters out that stand at 0, and sums a histogram over its labels', async () => {
    const registers = [registry];
    const ends = new Counter({ name: 'arbiter_ends_total', help: '-', labelNames: ['end'], registers });
    ends.inc({ end: 'refused' }, 0);
    ends.inc({ end: 'executed' }, 2);
    new Counter({ name: 'arbiter_grants_total', help: '-', registers });
    const labelNames = ['route'] as const;
    const seconds = new Histogram({ name: 'api_request_seconds', help: '-', labelNames, buckets: [1, 5], registers });
    seconds.observe({ route: 'a' }, 0.5);
    seconds.observe({ route: 'b' }, 3);
    await publisher.tell();
    const figures = told()[0]?.figures ?? {};
    expect(figures.arbiter_ends_total?.series).toEqual([{ labels: { end: 'executed' }, value: 2 }]);
    expect(figures.arbiter_grants_total?.series).toEqual([{ labels: {}, value: 0 }]);
    expect(figures.api_request_seconds_bucket?.series).toEqual([
      { labels: { le: '1' }, value: 1 },
      { labels: { le: '5' }, value: 2 },
      { labels: { le: '+Inf' }, value: 2 },
    ]);
    expect(figures.api_request_seconds_count?.series).toEqual([{ labels: {}, value: 2 }]);
  });

  it('lets what one gauge fills into others go along', async () => {
    const registers = [registry];
    new Gauge({ name: 'collector_connection_up', help: '-', registers, collect: () => devices.set(7) });
    const devices = new Gauge({ name: 'collector_devices', help: '-', registers });
    await publisher.tell();
    expect(told()[0]?.figures.collector_devices?.series[0]?.value).toBe(7);
  });

  it('tells at the start, every 10 s and once more when it ends in order', async () => {
    vi.useFakeTimers();
    try {
      publisher.start();
      await vi.advanceTimersByTimeAsync(20_000);
      expect(told()).toHaveLength(3);
      publisher.stop();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(told().map(({ isLast }) => isLast)).toEqual([false, false, false, true]);
      publisher.start();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(told()).toHaveLength(4);
    } finally {
      vi.useRealTimers();
    }
  });

  it('goes on when the bus takes nothing, and piles nothing up while it waits for it', async () => {
    bus.publishError = new Error('full');
    await publisher.tell();
    bus.publishError = null;
    const waiting: (() => void)[] = [];
    const publish = vi.spyOn(bus, 'publish');
    publish.mockImplementation(() => new Promise((resolve) => waiting.push(() => resolve([]))));
    const first = publisher.tell();
    await publisher.tell();
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    waiting[0]?.();
    await first;
    publish.mockRestore();
    await publisher.tell();
    expect(told()).toHaveLength(1);
  });
});
