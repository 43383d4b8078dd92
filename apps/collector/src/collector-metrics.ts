import { type AccessState, ERROR_KINDS, type ErrorKind } from '@busbar/driver-host';
import { METRICS } from '@busbar/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { SampleRing } from './sample-ring.js';

const CONNECTION = ['connection', 'protocol'] as const;
const DEVICE_STATES = ['active', 'degraded', 'starting'] as const;
const CONTROL_EVENTS = ['write', 'fenced', 'unknown'] as const;

@Injectable()
export class CollectorMetrics {
  readonly values: Counter;
  readonly dropped: Counter;
  readonly control: Counter<'event'>;
  readonly #errors: Counter<'connection' | 'protocol' | 'kind'>;
  readonly #lateScans: Counter<'connection' | 'protocol'>;
  readonly #up: Gauge<'connection' | 'protocol'>;
  readonly #load: Gauge<'connection' | 'protocol'>;
  readonly #devices: Gauge<'connection' | 'protocol' | 'state'>;
  readonly #tags: Gauge<'connection' | 'protocol' | 'quality'>;
  readonly #registers: Registry[];
  #read: () => readonly AccessState[] = () => [];
  /** Connections that run here, and their protocols. */
  readonly #protocols = new Map<string, string>();
  /** Late scans of each device as last seen, by connection. */
  readonly #late = new Map<string, ReadonlyMap<string, number>>();

  constructor(@Inject(METRICS) registry: Registry) {
    const registers = [registry];
    this.#registers = registers;
    this.values = new Counter({ name: 'collector_values_total', help: 'Tag values collected', registers });
    this.dropped = new Counter({
      name: 'collector_dropped_values_total',
      help: 'Tag values dropped because the bus took none and the ring was full',
      registers,
    });
    this.control = new Counter({
      name: 'collector_control_total',
      help: 'Writes, grants fenced off, unknown outcomes',
      labelNames: ['event'],
      registers,
    });
    for (const event of CONTROL_EVENTS) this.control.inc({ event }, 0);
    this.#up = new Gauge({
      name: 'collector_connection_up',
      help: '1 while any device of the connection answers',
      labelNames: CONNECTION,
      registers,
      collect: () => this.#fill(),
    });
    this.#load = new Gauge({
      name: 'collector_scan_load',
      help: 'Share of the time spent waiting for the devices, 0 to 1; absent where they send by themselves',
      labelNames: CONNECTION,
      registers,
    });
    this.#devices = new Gauge({
      name: 'collector_devices',
      help: 'Devices by state; degraded: it does not answer',
      labelNames: [...CONNECTION, 'state'],
      registers,
    });
    this.#tags = new Gauge({
      name: 'collector_tags',
      help: 'Tags by the quality of their newest value: good, other',
      labelNames: [...CONNECTION, 'quality'],
      registers,
    });
    this.#errors = new Counter({
      name: 'collector_errors_total',
      help: 'Errors of connections, by kind',
      labelNames: [...CONNECTION, 'kind'],
      registers,
    });
    this.#lateScans = new Counter({
      name: 'collector_late_scans_total',
      help: 'Scans that were due while the one before had not ended',
      labelNames: CONNECTION,
      registers,
    });
  }

  watch(ring: SampleRing): void {
    const registers = this.#registers;
    new Gauge({
      name: 'collector_ring_bytes',
      help: 'Octets that wait for the bus',
      registers,
      collect() {
        this.set(ring.waitingBytes);
      },
    });
    new Gauge({
      name: 'collector_ring_age_seconds',
      help: 'Age of the oldest batch that waits for the bus',
      registers,
      collect() {
        this.set(ring.oldestMs / 1000);
      },
    });
  }

  /** A connection runs here from now on: its counters stand at 0 before anything happens. */
  runs(connection: string, protocol: string): void {
    if (this.#protocols.get(connection) === protocol) return;
    this.gone(connection);
    this.#protocols.set(connection, protocol);
    this.#lateScans.inc({ connection, protocol }, 0);
    for (const kind of ERROR_KINDS) this.#errors.inc({ connection, protocol, kind }, 0);
  }

  /** It runs here no more: its series go. */
  gone(connection: string): void {
    const protocol = this.#protocols.get(connection);
    this.#protocols.delete(connection);
    this.#late.delete(connection);
    if (protocol === undefined) return;
    this.#lateScans.remove({ connection, protocol });
    for (const kind of ERROR_KINDS) this.#errors.remove({ connection, protocol, kind });
  }

  erred(connection: string, kind: ErrorKind): void {
    const protocol = this.#protocols.get(connection);
    if (protocol !== undefined) this.#errors.inc({ connection, protocol, kind });
  }

  watchConnections(read: () => readonly AccessState[]): void {
    this.#read = read;
  }

  /** The states are asked for once per scrape: the first gauge fills what the registry reads after it. */
  #fill(): void {
    for (const gauge of [this.#up, this.#load, this.#devices, this.#tags]) gauge.reset();
    for (const state of this.#read()) {
      const protocol = this.#protocols.get(state.connection);
      if (protocol === undefined) continue;
      const labels = { connection: state.connection, protocol };
      const isUp = state.state === 'idle' || state.devices.some((device) => device.state === 'active');
      this.#up.set(labels, isUp ? 1 : 0);
      if (state.scanLoad !== null) this.#load.set(labels, state.scanLoad);
      for (const each of DEVICE_STATES) {
        const count = state.devices.filter((device) => device.state === each).length;
        this.#devices.set({ ...labels, state: each }, count);
      }
      const all = state.devices.reduce((sum, device) => sum + device.tags, 0);
      const good = state.devices.reduce((sum, device) => sum + device.tagsGood, 0);
      this.#tags.set({ ...labels, quality: 'good' }, good);
      this.#tags.set({ ...labels, quality: 'other' }, all - good);
      this.#countLate(state, protocol);
    }
  }

  /** A device counts from 0 when it is made anew; what is counted here never falls. */
  #countLate({ connection, devices }: AccessState, protocol: string): void {
    const before = this.#late.get(connection);
    let late = 0;
    for (const { id, lateScans } of devices) {
      const last = before?.get(id) ?? 0;
      late += lateScans >= last ? lateScans - last : lateScans;
    }
    this.#late.set(connection, new Map(devices.map(({ id, lateScans }) => [id, lateScans])));
    this.#lateScans.inc({ connection, protocol }, late);
  }
}
