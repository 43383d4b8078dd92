import type { SampleBatch } from '@busbar/batch';
import type { PlannedRequest } from '@busbar/driver-sdk';
import type { DeviceConfig, DeviceState, DiagnosisRecord } from '@busbar/events';
import { bad, type Clock } from '@busbar/model';
import type { CompiledTable, CompiledTags } from './compiled-table.js';
import { PollGroup } from './poll-group.js';
import type { HostLog, UntypedDriver } from './ports.js';
import { PushLane, type PushTarget } from './push-lane.js';
import { ScanWriter } from './scan-writer.js';
import type { Scheduler } from './scheduler.js';

const NOT_CONNECTED = bad('not-connected');
const REPEAT_MS = 30_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
/** One lost answer is no dead device: its tags turn bad when the retry fails, too. */
const MISSES_UNTIL_GONE = 2;
/** A retry of a dead device holds up the others of its link for a time-out: at most a tenth of their time. */
const PAUSE_PER_COST = 9;

export interface DevicePorts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: HostLog;
  publish(batch: SampleBatch): void;
  random(): number;
}

/** What a device asks of its connection. */
export interface DeviceOwner {
  readonly connection: string;
  readonly generation: number;
  /** May scans be started at all (session open, lease held)? */
  isReady(): boolean;
  enqueue(group: PollGroup, device: DeviceRunner): void;
  /** Null: no session is open. */
  subscribe(device: DeviceRunner, group: PollGroup, into: PushTarget): Promise<void> | null;
  /** Something came by itself. */
  pushed(device: DeviceRunner): void;
  pushFailed(device: DeviceRunner, error: unknown): void;
  /** Something that people should see changed. */
  changed(): void;
}

/** One device: its poll groups at their fixed rates, and what is known about its health. */
export class DeviceRunner {
  readonly config: DeviceConfig;
  readonly table: CompiledTable;
  /** `with`, checked by the driver. */
  readonly options: unknown;
  readonly quirks: unknown;
  readonly exponents = new Map<number, number>();
  readonly groups: readonly PollGroup[];
  isGone = false;
  isClosed = false;
  diagnosis: DiagnosisRecord | null = null;
  lastAnswerAt: number | null = null;
  readonly #owner: DeviceOwner;
  readonly #ports: DevicePorts;
  readonly #cancels: (() => void)[] = [];
  readonly #subscribes: boolean;
  readonly #lanes: readonly PushLane[];
  #misses = 0;
  #isSuspended = false;
  #wasWarned = false;
  #isRetryDue = false;
  #cancelRetry: (() => void) | null = null;
  #badAt = Number.NEGATIVE_INFINITY;
  #sinceMs: number;
  #state: DeviceState['state'] = 'starting';

  constructor(input: {
    readonly config: DeviceConfig;
    readonly table: CompiledTable;
    readonly driver: UntypedDriver;
    readonly owner: DeviceOwner;
    readonly ports: DevicePorts;
  }) {
    const { config, table, driver } = input;
    this.config = config;
    this.table = table;
    this.#owner = input.owner;
    this.#ports = input.ports;
    this.#sinceMs = input.ports.clock.wallMs();
    this.options = driver.device.parse(config.with);
    this.quirks = driver.quirks.parse(config.quirks);
    this.#plan = (tags) =>
      driver.poll?.plan({ device: this.options, quirks: this.quirks, tags }) ?? ([] as readonly PlannedRequest[]);
    this.#subscribes = driver.subscribe !== undefined;
    this.groups = [...table.groups].map(([name, tags]) => this.#group(tags, config.groups[name]));
    this.#lanes = this.groups.filter((group) => group.isPushed).map((group) => this.#lane(group));
  }

  #lane(group: PollGroup): PushLane {
    const owner = {
      isReady: () => !this.isClosed && this.#owner.isReady(),
      subscribe: (into: PushTarget) => this.#owner.subscribe(this, group, into),
      publish: () => this.publish(group),
      answered: () => this.#owner.pushed(this),
      failed: (error: unknown) => this.#owner.pushFailed(this, error),
    };
    return new PushLane(group, owner, this.#ports.scheduler);
  }

  #subscribe(): void {
    for (const lane of this.#lanes) lane.start();
  }

  /** The session is over: what was subscribed in it is, too. */
  dropped(): void {
    for (const lane of this.#lanes) lane.stop();
  }

  readonly #plan: (tags: CompiledTags['tags']) => readonly PlannedRequest[];

  #group(tags: CompiledTags, period: DeviceConfig['groups'][string] | undefined): PollGroup {
    const writer = new ScanWriter(tags, this.#ports.clock, this.exponents);
    return new PollGroup({
      tags,
      period,
      writer,
      plan: this.#plan,
      now: this.#ports.scheduler.now(),
      subscribes: this.#subscribes,
    });
  }

  /** A group of one tag, for a single read out of turn; null if the device has no such tag. */
  single(number: number): PollGroup | null {
    const tags = this.table.single(number);
    return tags === null ? null : this.#group(tags, 'start');
  }

  start(): void {
    for (const group of this.groups) {
      if (group.periodMs === null) continue;
      this.#cancels.push(this.#ports.scheduler.every(group.periodMs, (missed) => this.#due(group, missed)));
    }
  }

  close(): void {
    this.dropped();
    this.isClosed = true;
    for (const cancel of this.#cancels) cancel();
    this.#cancels.length = 0;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
  }

  #due(group: PollGroup, missed: number): void {
    if (this.isGone) return;
    const now = this.#ports.scheduler.now();
    group.lateScans += missed;
    if (group.writer.isOpen && group.isQueued) this.publish(group);
    if (group.age(now, this.config.staleScans)) this.publish(group);
    if (this.#isSuspended || !this.#owner.isReady()) return;
    if (group.isQueued) group.lateScans++;
    else this.#owner.enqueue(group, this);
  }

  /** The session is open. After a lost link everything is read at once; else only what was never read. */
  connected(afterLoss: boolean): void {
    const now = this.#ports.scheduler.now();
    for (const group of this.groups) group.relearn(now, true);
    if (!afterLoss && this.lastAnswerAt !== null) {
      if (this.#isRetryDue) this.#retry();
      else if (!this.#isSuspended) this.#subscribe();
      return;
    }
    this.#isSuspended = false;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    for (const group of this.groups) group.restart(now);
    this.#enqueueAll();
    this.#subscribe();
  }

  #enqueueAll(): void {
    const rank = (group: PollGroup): number => group.periodMs ?? 0;
    for (const group of [...this.groups].sort((a, b) => rank(a) - rank(b))) {
      if (!group.isQueued) this.#owner.enqueue(group, this);
    }
  }

  /** True while the device is left alone until its next retry. */
  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  answered(now: number): void {
    this.lastAnswerAt = this.#ports.clock.wallMs();
    if (this.#misses === 0 && !this.isGone) {
      if (this.#state !== 'active') this.#enter('active', null);
      return;
    }
    const wasGone = this.isGone;
    this.#misses = 0;
    this.isGone = false;
    this.#isSuspended = false;
    if (this.#wasWarned) {
      this.#wasWarned = false;
      this.#ports.log.info({ connection: this.#owner.connection, device: this.config.id }, 'device answers again');
    }
    if (wasGone) {
      for (const group of this.groups) group.restart(now);
      this.#enqueueAll();
      this.#subscribe();
    }
    this.#enter('active', null);
  }

  /** No answer in time, which cost others on the link so many ms: it is left alone for a growing pause, then tried. */
  missed(diagnosis: DiagnosisRecord, costMs: number): void {
    this.#misses++;
    const least = this.#misses < MISSES_UNTIL_GONE ? 0 : costMs * PAUSE_PER_COST;
    const growing = FIRST_PAUSE_MS * 2 ** Math.min(this.#misses - 1, 10);
    const pause = Math.min(LONGEST_PAUSE_MS, Math.max(least, growing));
    this.#isSuspended = true;
    this.#cancelRetry?.();
    this.#cancelRetry = this.#ports.scheduler.after(pause * (0.75 + this.#ports.random() / 2), () => this.#retry());
    this.diagnosis = diagnosis;
    if (this.#misses < MISSES_UNTIL_GONE || this.isGone) return;
    this.#wasWarned = true;
    this.#ports.log.warn(
      { connection: this.#owner.connection, device: this.config.id, code: diagnosis.code },
      'device does not answer',
    );
    this.gone(diagnosis);
  }

  #retry(): void {
    this.#cancelRetry = null;
    this.#isRetryDue = !this.#owner.isReady();
    if (this.#isRetryDue) return;
    this.#isSuspended = false;
    const polled = this.groups.filter((group) => !group.isPushed);
    const quickest = polled.reduce<PollGroup | null>(
      (best, group) => (best === null || (group.periodMs ?? Infinity) < (best.periodMs ?? Infinity) ? group : best),
      null,
    );
    if (quickest && !quickest.isQueued) this.#owner.enqueue(quickest, this);
    this.#subscribe();
  }

  /** Device or link is gone: every tag turns bad, once. */
  gone(diagnosis: DiagnosisRecord): void {
    const wasGone = this.isGone;
    this.dropped();
    this.isGone = true;
    this.exponents.clear();
    this.#enter('degraded', diagnosis);
    if (!wasGone) this.#publishGone();
  }

  #publishGone(): void {
    this.#badAt = this.#ports.scheduler.now();
    for (const group of this.groups) {
      group.putAll(NOT_CONNECTED);
      this.publish(group);
    }
  }

  /** Called about each second. */
  tick(now: number): void {
    if (this.isGone && now - this.#badAt >= REPEAT_MS) this.#publishGone();
    if (!this.isGone && !this.#isSuspended) this.#subscribe();
    for (const group of this.groups) group.relearn(now, false);
  }

  publish(group: PollGroup): void {
    const batch = group.writer.finish({ key: this.config.id, generation: this.#owner.generation });
    if (batch !== null && !this.isClosed) this.#ports.publish(batch);
  }

  #enter(state: DeviceState['state'], diagnosis: DiagnosisRecord | null): void {
    const changed = state !== this.#state || diagnosis?.code !== this.diagnosis?.code;
    this.diagnosis = diagnosis;
    if (!changed) return;
    if (state !== this.#state) this.#sinceMs = this.#ports.clock.wallMs();
    this.#state = state;
    this.#owner.changed();
  }

  /** The device refused a request; what it refused is left out from now on. */
  refused(diagnosis: DiagnosisRecord): void {
    this.diagnosis = diagnosis;
    this.#owner.changed();
  }

  state(): DeviceState {
    let tagsGood = 0;
    let tags = 0;
    let lateScans = 0;
    for (const group of this.groups) {
      tagsGood += group.writer.countGood();
      tags += group.tags.tags.length;
      lateScans += group.lateScans;
    }
    return {
      id: this.config.id,
      state: this.#state,
      since: this.#sinceMs,
      diagnosis: this.diagnosis,
      lastAnswerAt: this.lastAnswerAt,
      tags,
      tagsGood,
      lateScans,
    };
  }
}
