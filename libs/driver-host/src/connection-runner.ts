import type { SampleBatch } from '@busbar/batch';
import type { DriverFault, ReadOutcome } from '@busbar/driver-sdk';
import type { AccessConnectionConfig, DeviceConfig, DiagnosisRecord } from '@busbar/events';
import { bad } from '@busbar/model';
import type { Channel } from './channel.js';
import type { CompiledTable } from './compiled-table.js';
import { type DeviceOwner, DeviceRunner } from './device-runner.js';
import { diagnosis, faultDiagnosis, faultOf, reasonOf } from './diagnosis.js';
import type { Frame } from './frame-ring.js';
import { atMost, Link, type LinkListener } from './link.js';
import type { PollGroup } from './poll-group.js';
import type { AccessState, DriverHostPorts, ErrorKind, UntypedDriver } from './ports.js';
import type { PushTarget } from './push-lane.js';
import { type QueueListener, type Reading, RequestQueue } from './request-queue.js';
import type { Scheduler } from './scheduler.js';
import { notSent, toCommand, type WriteReport, type WriteTarget } from './write-queue.js';

const STARTED_WRITE_MS = 5_000;
const STATE_EVERY_MS = 30_000;
/** So soon it is told that another number of tags is good. */
const STATE_SOON_MS = 2_000;

export interface RunnerInput {
  readonly config: AccessConnectionConfig;
  readonly driver: UntypedDriver;
  readonly ports: DriverHostPorts;
  readonly scheduler: Scheduler;
  readonly generation: number;
  table(digest: string): CompiledTable;
  publish(batch: SampleBatch): void;
}

function goodOf({ devices }: AccessState): number {
  return devices.reduce((sum, { tagsGood }) => sum + tagsGood, 0);
}

/** One access connection: its devices, its link, and the queue of its requests. */
export class ConnectionRunner implements DeviceOwner, LinkListener, QueueListener {
  generation: number;
  #config: AccessConnectionConfig;
  readonly #input: RunnerInput;
  readonly #link: Link;
  readonly #queue: RequestQueue;
  #table: (digest: string) => CompiledTable;
  #devices = new Map<string, DeviceRunner>();
  #configProblem: DiagnosisRecord | null = null;
  #isStopped = false;
  #stateAt = Number.NEGATIVE_INFINITY;
  #toldGood = 0;
  #isStateDue = false;

  constructor(input: RunnerInput) {
    const { config, driver, ports, scheduler } = input;
    this.#input = input;
    this.#config = config;
    this.generation = input.generation;
    this.#table = input.table;
    this.#link = new Link({ config, driver, ports, scheduler, listener: this });
    this.#queue = new RequestQueue(ports, scheduler, this);
  }

  get connection(): string {
    return this.#config.id;
  }

  get config(): AccessConnectionConfig {
    return this.#config;
  }

  get channel(): Channel | null {
    return this.#link.channel;
  }

  /** The last frames of this connection, oldest first. */
  frames(): Frame[] {
    return this.#link.frames.read();
  }

  start(): void {
    this.#setDevices(this.#config.devices);
    if (this.#devices.size > 0) this.#link.connect();
    this.changed();
  }

  /** Takes over devices and groups while the session goes on; driver, `with` and `readOnly` must be the same. */
  update(config: AccessConnectionConfig, table: (digest: string) => CompiledTable): void {
    this.#config = config;
    this.#table = table;
    this.#setDevices(config.devices);
    if (this.#devices.size > 0) this.#link.connect();
    this.#queue.pump();
    this.changed();
  }

  #setDevices(configs: readonly DeviceConfig[]): void {
    this.#configProblem = null;
    const next = new Map<string, DeviceRunner>();
    const fresh: DeviceRunner[] = [];
    for (const config of configs) {
      if (!config.enabled) continue;
      const old = this.#devices.get(config.id);
      // A table is named by its digest, so an equal device has an equal table.
      const device = old && JSON.stringify(old.config) === JSON.stringify(config) ? old : this.#createDevice(config);
      if (device === null) continue;
      next.set(config.id, device);
      if (device !== old) fresh.push(device);
    }
    for (const [id, old] of this.#devices) {
      if (next.get(id) === old) continue;
      old.close();
      this.#queue.endWrites('NOT_SENT', old);
      this.#queue.dequeue(old);
    }
    this.#devices = next;
    for (const device of fresh) {
      device.start();
      if (this.channel) device.connected(true);
    }
  }

  #createDevice(config: DeviceConfig): DeviceRunner | null {
    const { driver, ports, scheduler, publish } = this.#input;
    try {
      const random = (): number => ports.random?.() ?? Math.random();
      const devicePorts = { clock: ports.clock, log: ports.log, scheduler, publish, random };
      const table = this.#table(config.table);
      return new DeviceRunner({ config, table, driver, owner: this, ports: devicePorts });
    } catch (error) {
      const reason = reasonOf(error);
      ports.log.warn({ connection: this.connection, device: config.id, reason }, 'device refused');
      this.#configProblem = diagnosis('CONNECTION_CONFIG', { field: `devices.${config.id}`, reason });
      return null;
    }
  }

  // What the link says

  linkOpened(afterLoss: boolean): void {
    for (const device of this.#devices.values()) device.connected(afterLoss);
    this.#queue.pump();
  }

  linkDropped(): void {
    for (const device of this.#devices.values()) device.dropped();
    this.#queue.dropCurrent();
  }

  linkGone(cause: DiagnosisRecord): void {
    this.#queue.endWrites('NOT_CONNECTED');
    this.#queue.dequeue();
    for (const device of this.#devices.values()) device.gone(cause);
  }

  readDone(outcome: ReadOutcome): void {
    this.#queue.readDone(outcome);
  }

  readFailed(error: unknown): void {
    this.#queue.readFailed(error);
  }

  // What the queue says

  answered(device: DeviceRunner): void {
    this.#link.answered();
    if (!device.isClosed) device.answered(this.#input.scheduler.now());
  }

  refused(device: DeviceRunner, request: string, reason: string): void {
    this.#erred('refused');
    device.refused(diagnosis('DEVICE_EXCEPTION', { device: device.config.id, request, reason }));
  }

  faulted(fault: DriverFault, device: DeviceRunner): void {
    this.#erred(fault.kind);
    switch (fault.kind) {
      case 'no-answer':
        this.#silent(device, fault.timeoutMs);
        if (fault.sessionEnded) this.#link.renew();
        else this.#queue.pump();
        return;
      case 'busy':
        this.#queue.pause(fault.retryAfterMs);
        return;
      case 'connection-lost':
        this.#link.lost(faultDiagnosis(fault, this.connection));
        return;
      default:
        this.#link.halt(fault);
    }
  }

  sessionClosed(): void {
    this.#erred('connection-lost');
    this.#link.renew();
  }

  writeUnknown(device: DeviceRunner, sessionEnded: boolean): void {
    if (sessionEnded) this.#link.renew();
    else this.#silent(device, null);
  }

  defect(reason: string): void {
    this.#erred('defect');
    this.#link.defect(reason);
  }

  #erred(kind: ErrorKind): void {
    this.#input.ports.erred?.(this.connection, kind);
  }

  #silent(device: DeviceRunner, timeoutMs: number | null): void {
    if (device.isClosed) return;
    const others = this.#devices.size - 1;
    const told =
      others > 0
        ? diagnosis('DEVICE_SILENT', { device: device.config.id, others })
        : diagnosis('CONNECTION_TIMEOUT', { target: this.connection, timeoutMs });
    device.missed(told, others > 0 ? (timeoutMs ?? 0) : 0);
    this.#queue.dequeue(device);
  }

  // What devices ask

  isReady(): boolean {
    return !this.#link.isLost && !this.#isStopped && this.#input.ports.isLeased('read');
  }

  enqueue(group: PollGroup, device: DeviceRunner): void {
    this.#queue.addScan(group, device);
  }

  subscribe(device: DeviceRunner, group: PollGroup, into: PushTarget): Promise<void> | null {
    const { options, quirks } = device;
    return this.channel?.subscribe({ device: options, quirks, tags: group.pushed }, into.out, into.signal) ?? null;
  }

  pushed(device: DeviceRunner): void {
    this.answered(device);
  }

  pushFailed(device: DeviceRunner, error: unknown): void {
    const fault = faultOf(error);
    if (fault) this.faulted(fault, device);
    else this.defect(reasonOf(error));
  }

  /** Told at the end of this turn, once for everything that changed in it. */
  changed(): void {
    if (this.#isStateDue) return;
    this.#isStateDue = true;
    queueMicrotask(() => {
      this.#isStateDue = false;
      if (!this.#isStopped) this.#tell();
    });
  }

  #tell(): void {
    const state = this.state();
    this.#stateAt = this.#input.scheduler.now();
    this.#toldGood = goodOf(state);
    this.#input.ports.onState(state);
  }

  // What the host asks

  /** Never rejects; exactly one report. */
  write(target: WriteTarget, gate: () => boolean): Promise<WriteReport> {
    if (this.#isStopped) return Promise.resolve(notSent('STOPPING'));
    if (this.#config.readOnly) return Promise.resolve(notSent('READ_ONLY'));
    if (this.#input.driver.write === undefined) return Promise.resolve(notSent('DRIVER', 'the driver cannot write'));
    const device = this.#devices.get(target.device);
    if (device === undefined) return Promise.resolve(notSent('NOT_SENT', `there is no device ${target.device}`));
    const command = toCommand(device, target);
    if ('refused' in command) return Promise.resolve(command.refused);
    if (this.#link.isLost) return Promise.resolve(notSent('NOT_CONNECTED'));
    return new Promise((settle) => this.#queue.addWrite({ device, command, gate, settle }));
  }

  /** One tag, ahead of all scans. Never rejects: without an answer the reading is bad. */
  readNow(deviceId: string, tag: number): Promise<Reading> {
    const device = this.#devices.get(deviceId);
    const group = device?.single(tag) ?? null;
    const { clock } = this.#input.ports;
    if (device === undefined || group === null || this.#link.isLost || !this.#input.ports.isLeased('read')) {
      const quality = bad(device === undefined || group === null ? 'configuration' : 'not-connected');
      const [collectedMs, collectedMonotonicMs] = [clock.wallMs(), clock.monotonicMs()];
      return Promise.resolve({ value: null, quality, collectedMs, collectedMonotonicMs });
    }
    return new Promise((settle) => this.#queue.addSingle(group, device, settle));
  }

  /** Called about each second. */
  tick(now: number): void {
    for (const device of this.#devices.values()) device.tick(now);
    this.#link.tick(now);
    const quietMs = now - this.#stateAt;
    if (quietMs < STATE_SOON_MS) return;
    if (quietMs < STATE_EVERY_MS && goodOf(this.state()) === this.#toldGood) return;
    this.#link.measureLoad(now);
    this.#tell();
  }

  state(): AccessState {
    const devices = [...this.#devices.values()].map((device) => device.state());
    const { state, sinceMs, diagnosis: told } = this.#link;
    const silent = state === 'active' ? devices.find((device) => device.state === 'degraded') : undefined;
    const idle = this.#devices.size === 0 && state === 'starting';
    return {
      connection: this.connection,
      kind: 'access',
      generation: this.generation,
      state: this.#configProblem || silent ? 'degraded' : idle ? 'idle' : state,
      since: silent?.since ?? sinceMs,
      diagnosis: told ?? this.#configProblem ?? silent?.diagnosis ?? null,
      scanLoad: this.#link.load,
      devices,
      sink: null,
      at: this.#input.ports.clock.wallMs(),
    };
  }

  /** Ends in order: no new request, a started write gets its end (5 s at most), then the session closes. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#queue.endWrites('STOPPING');
    for (const device of this.#devices.values()) device.close();
    this.#queue.dequeue();
    if (this.#queue.writing) await atMost(this.#queue.writing, STARTED_WRITE_MS, this.#input.scheduler);
    await this.#link.stop();
  }
}
