import { randomUUID } from 'node:crypto';
import type { Bus, Ownership, TableView } from '@busbar/bus';
import { type ConnectionChanged, type ConnectionConfig, decodeJson, encodeJson } from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { AppliedGeneration, ConfigurationView } from './configuration-view.js';
import type { Logger } from './log.js';

/** A new owner waits this long for the sign-off of one that is still a member of the group. */
const SIGN_OFF_MS = 5_000;
/** Stands for an owner whose record cannot be read. */
const UNKNOWN = '';
/** Counters alone are reported at most this often; a change of state at once, but for one that changes all the while. */
const COUNTERS_MS = 10_000;
/** Changes published at once within that time. */
const CHANGES_AT_ONCE = 10;
const RETRY_MS = 1_000;

/** What a service does with the connections that it is given. */
export interface ConnectionRunner {
  wants(connection: ConnectionConfig): boolean;
  /** Resolves when the service may announce the epoch (its reader of grants stands at the end). */
  readonly ready: Promise<void>;
  /** The connection is ours from now on; `generation` holds its configuration. */
  take(id: string, epoch: string): void;
  /** Resolves when nothing of it is under way any more. */
  release(id: string): Promise<void>;
  /** Configuration of what is already ours changed, or of anything that it depends on. Resolves when it is in force. */
  apply(generation: AppliedGeneration): void | Promise<void>;
}

/** The part of a health record that the service itself knows. */
export type ConnectionReport = Pick<
  ConnectionChanged,
  'state' | 'since' | 'diagnosis' | 'scanLoad' | 'devices' | 'sink' | 'server' | 'files'
>;

interface Owned {
  readonly id: string;
  phase: 'waiting' | 'running' | 'leaving';
  epoch: string | null;
  report: ConnectionReport | null;
  /** What the last owner said. */
  before: ConnectionChanged | null;
  publishedMs: number;
  published: string;
  /** Changes published since `windowMs`. */
  changes: number;
  windowMs: number;
  timer: NodeJS.Timeout | null;
  /** Ends the wait for the last owner. */
  endWait: () => void;
  leaving: Promise<void> | null;
}

export interface OwnedConnectionsParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly configuration: ConfigurationView;
  readonly service: string;
  /** Consumer group that shares the connections out. */
  readonly group: string;
  readonly kind: 'access' | 'sink' | 'forwarding' | 'file';
  readonly runner: ConnectionRunner;
}

/**
 * Which connections this process runs: the group shares them out by partition, the configuration says which there are.
 * A connection is taken over only when its last owner signed off, is certainly gone from the group, or had 5 s to do so.
 */
export class OwnedConnections {
  readonly #parts: OwnedConnectionsParts;
  readonly #ownership: Ownership;
  readonly #changed: TableView;
  readonly #owned = new Map<string, Owned>();
  readonly #unsubscribe: () => void;
  #generation: AppliedGeneration | null = null;
  /** Number of the generation in force. */
  #applied = 0;
  #stopped = false;

  constructor(parts: OwnedConnectionsParts) {
    this.#parts = parts;
    const { bus, group, configuration } = parts;
    this.#changed = bus.table('connections.changed.v1');
    this.#ownership = bus.own('connections.configured.v1', group, {
      gained: () => this.#settle(),
      lost: async () => {
        const leaving = [...this.#owned.values()].filter((owned) => !this.#ownership.owns(owned.id) || this.#stopped);
        await Promise.all(leaving.map((owned) => this.#leave(owned)));
      },
    });
    this.#unsubscribe = configuration.onChange((next) => {
      this.#generation = next;
      const applying = parts.runner.apply(next);
      this.#settle();
      // What could not be applied was said by the runner, and is not called applied.
      if (applying) applying.then(() => this.#inForce(next)).catch(() => undefined);
      else this.#inForce(next);
    });
  }

  get ownership(): Ownership {
    return this.#ownership;
  }

  epochOf(id: string): string | null {
    const owned = this.#owned.get(id);
    return owned?.phase === 'running' ? owned.epoch : null;
  }

  /** What the last owner said of a connection that is ours; null: nobody had it, or its word cannot be read. */
  before(id: string): ConnectionChanged | null {
    return this.#owned.get(id)?.before ?? null;
  }

  /** The newest health of a connection; published at once when its state changed, else with the next counters. */
  report(id: string, report: ConnectionReport): void {
    const owned = this.#owned.get(id);
    if (owned?.phase !== 'running') return;
    owned.report = report;
    this.#publish(owned, false);
  }

  /** Releases everything, signs off, leaves the group. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    await Promise.all([...this.#owned.values()].map((owned) => this.#leave(owned)));
    await this.#ownership.stop();
    await this.#changed.stop();
  }

  #inForce(generation: AppliedGeneration): void {
    if (this.#generation !== generation) return;
    this.#applied = generation.number;
    for (const owned of this.#owned.values()) this.#publish(owned, true);
  }

  #wanted(): Set<string> {
    const { runner } = this.#parts;
    const connections = this.#generation?.configuration.connections ?? [];
    return new Set(connections.filter((connection) => runner.wants(connection)).map((connection) => connection.id));
  }

  #settle(): void {
    if (this.#stopped || !this.#generation) return;
    const wanted = this.#wanted();
    for (const owned of this.#owned.values()) {
      if (!wanted.has(owned.id) || !this.#ownership.owns(owned.id)) void this.#leave(owned);
    }
    for (const id of wanted) {
      if (!this.#owned.has(id) && this.#ownership.owns(id)) void this.#enter(id);
    }
  }

  async #enter(id: string): Promise<void> {
    const owned: Owned = {
      id,
      phase: 'waiting',
      epoch: null,
      report: null,
      before: null,
      publishedMs: Number.NEGATIVE_INFINITY,
      published: '',
      changes: 0,
      windowMs: Number.NEGATIVE_INFINITY,
      timer: null,
      endWait: () => undefined,
      leaving: null,
    };
    this.#owned.set(id, owned);
    try {
      await Promise.all([this.#changed.ready, this.#parts.runner.ready]);
      await this.#untilFree(owned);
    } catch (error) {
      this.#parts.log.error({ err: error, connection: id }, 'connection cannot be taken');
      if (this.#owned.get(id) === owned) this.#owned.delete(id);
      return;
    }
    if (owned.phase !== 'waiting' || this.#owned.get(id) !== owned) return;
    owned.before = this.#lastOf(id);
    owned.phase = 'running';
    owned.epoch = randomUUID();
    this.#parts.log.info({ connection: id, epoch: owned.epoch }, 'connection taken');
    owned.report = {
      state: 'starting',
      since: this.#parts.clock.wallMs(),
      diagnosis: null,
      scanLoad: null,
      devices: [],
      sink: null,
      // Whoever comes next is to find it, should this owner not get further.
      ...(owned.before?.files ? { files: owned.before.files } : {}),
    };
    this.#publish(owned, true);
    try {
      this.#parts.runner.take(id, owned.epoch);
    } catch (error) {
      this.#parts.log.error({ err: error, connection: id }, 'connection cannot be run');
    }
  }

  async #untilFree(owned: Owned): Promise<void> {
    const { id } = owned;
    const last = this.#holderOf(id);
    if (last === null || last === this.#ownership.member) return;
    if (await this.#isGone(last)) return;
    // The sign-off may have come while the group was asked.
    if (this.#holderOf(id) === null || owned.phase !== 'waiting') return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        unsubscribe();
        resolve();
      };
      const timer = setTimeout(done, SIGN_OFF_MS);
      owned.endWait = done;
      const unsubscribe = this.#changed.onChange((record) => {
        if (record.key === id && this.#holderOf(id) === null) done();
      });
    });
  }

  /** Member that did not sign off; null: nobody has it, {@link UNKNOWN}: the record does not say who. */
  #holderOf(id: string): string | null {
    const value = this.#changed.get(id)?.value;
    if (!value) return null;
    try {
      const { epoch, member } = decodeJson('connections.changed.v1', value);
      return epoch === null ? null : member;
    } catch {
      return UNKNOWN;
    }
  }

  #lastOf(id: string): ConnectionChanged | null {
    const value = this.#changed.get(id)?.value;
    if (!value) return null;
    try {
      return decodeJson('connections.changed.v1', value);
    } catch {
      return null;
    }
  }

  async #isGone(member: string): Promise<boolean> {
    if (member === UNKNOWN) return false;
    try {
      return await this.#ownership.isGone(member);
    } catch (error) {
      this.#parts.log.warn({ err: error, member }, 'the group could not be asked for the last owner');
      return false;
    }
  }

  /** Whoever asks waits for the one departure: nothing is under way any more when it resolves. */
  #leave(owned: Owned): Promise<void> {
    owned.leaving ??= this.#depart(owned);
    return owned.leaving;
  }

  async #depart(owned: Owned): Promise<void> {
    const wasRunning = owned.phase === 'running';
    owned.phase = 'leaving';
    owned.endWait();
    if (owned.timer) clearTimeout(owned.timer);
    if (wasRunning) {
      try {
        await this.#parts.runner.release(owned.id);
        const isRemoved = this.#generation !== null && !this.#wanted().has(owned.id);
        await this.#signOff(owned, isRemoved);
      } catch (error) {
        // Without a sign-off the next owner waits, as it must: something may still be under way here.
        this.#parts.log.error({ err: error, connection: owned.id }, 'connection was not released in order');
      }
    }
    this.#owned.delete(owned.id);
    // It may have come back while we were leaving.
    this.#settle();
  }

  async #signOff(owned: Owned, isRemoved: boolean): Promise<void> {
    owned.epoch = null;
    const record = this.#record({ ...owned, report: owned.report && { ...owned.report, state: 'stopped' } });
    const value = isRemoved || !record ? null : encodeJson('connections.changed.v1', record);
    try {
      await this.#parts.bus.publish([{ topic: 'connections.changed.v1', key: owned.id, value }]);
    } catch (error) {
      this.#parts.log.warn({ err: error, connection: owned.id }, 'sign-off was not published');
    }
  }

  #record({ id, epoch, report }: Pick<Owned, 'id' | 'epoch' | 'report'>): ConnectionChanged | null {
    if (!report) return null;
    const { state, since, diagnosis, scanLoad, devices, sink, server, files } = report;
    return {
      connection: id,
      kind: this.#parts.kind,
      service: this.#parts.service,
      member: this.#ownership.member,
      epoch,
      generation: this.#applied,
      state,
      since,
      diagnosis,
      scanLoad,
      devices,
      sink,
      ...(server ? { server } : {}),
      ...(files ? { files } : {}),
      at: this.#parts.clock.wallMs(),
    };
  }

  #publish(owned: Owned, now: boolean): void {
    const record = owned.phase === 'running' ? this.#record(owned) : null;
    if (!record) return;
    const essence = essenceOf(record);
    const waitMs = now ? 0 : this.#waitMs(owned, essence);
    if (waitMs > 0) {
      owned.timer ??= setTimeout(() => {
        owned.timer = null;
        this.#publish(owned, false);
      }, waitMs);
      return;
    }
    if (owned.timer) clearTimeout(owned.timer);
    owned.timer = null;
    owned.published = essence;
    owned.publishedMs = this.#parts.clock.monotonicMs();
    owned.changes += 1;
    const value = encodeJson('connections.changed.v1', record);
    this.#parts.bus.publish([{ topic: 'connections.changed.v1', key: owned.id, value }]).catch((error) => {
      this.#parts.log.warn({ err: error, connection: owned.id }, 'health was not published');
      if (owned.phase !== 'running') return;
      // Others decide by it: the epoch above all.
      owned.timer ??= setTimeout(() => {
        owned.timer = null;
        this.#publish(owned, true);
      }, RETRY_MS);
    });
  }

  /** How long this has to wait for its publication. */
  #waitMs(owned: Owned, essence: string): number {
    const nowMs = this.#parts.clock.monotonicMs();
    if (essence === owned.published) return owned.publishedMs + COUNTERS_MS - nowMs;
    if (nowMs - owned.windowMs >= COUNTERS_MS) {
      owned.windowMs = nowMs;
      owned.changes = 0;
    }
    return owned.changes < CHANGES_AT_ONCE ? 0 : owned.windowMs + COUNTERS_MS - nowMs;
  }
}

/** What people react to, without counters and times that move all the while. */
function essenceOf({ epoch, generation, state, diagnosis, devices, server, files }: ConnectionChanged): string {
  const rest = devices.map((device) => [device.id, device.state, device.diagnosis?.code]);
  const tasks = files?.map((one) => [one.task, one.state, one.diagnosis?.code, one.lastRunAt]);
  const clients = server?.clients.map((client) => [client.name, client.address, client.state]);
  return JSON.stringify([epoch, generation, state, diagnosis?.code, rest, server?.port, clients, tasks]);
}
