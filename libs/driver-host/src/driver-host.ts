import type { SampleBatch } from '@busbar/batch';
import type { AccessConnectionConfig, TableConfig } from '@busbar/events';
import { bad } from '@busbar/model';
import { type CompiledTable, compileTable } from './compiled-table.js';
import { ConnectionRunner } from './connection-runner.js';
import { diagnosis, reasonOf } from './diagnosis.js';
import type { Frame } from './frame-ring.js';
import type { AccessState, DriverCatalog, DriverHostPorts, UntypedDriver } from './ports.js';
import type { Reading } from './request-queue.js';
import { Scheduler } from './scheduler.js';
import { notSent, type WriteReport, type WriteTarget } from './write-queue.js';

const TICK_MS = 1_000;

export interface HostFigures {
  readonly connections: number;
  readonly batches: number;
  readonly values: number;
  /** Batches that the publisher refused. */
  readonly dropped: number;
}

/** Runs access connections with drivers. The driver speaks the protocol; everything else is here. */
export class DriverHost {
  readonly #catalog: DriverCatalog;
  readonly #ports: DriverHostPorts;
  readonly #scheduler: Scheduler;
  readonly #drivers = new Map<string, Promise<UntypedDriver>>();
  readonly #runners = new Map<string, ConnectionRunner>();
  #applying: Promise<void> = Promise.resolve();
  #cancelTick: (() => void) | null = null;
  #isStopped = false;
  #batches = 0;
  #values = 0;
  #dropped = 0;
  #isDropTold = false;

  constructor(catalog: DriverCatalog, ports: DriverHostPorts) {
    this.#catalog = catalog;
    this.#ports = ports;
    this.#scheduler = new Scheduler(ports.clock, ports.timers, (error) =>
      ports.log.warn({ reason: reasonOf(error) }, 'a timer of the driver host failed'),
    );
  }

  /**
   * Makes these the connections that run. What is equal goes on untouched; devices change live where driver, `with` and
   * `readOnly` of their connection are the same; else it connects anew. Connections not named are stopped. Calls are
   * carried out one after the other. Resolves when all is started; never rejects for a single connection.
   * @param connections access connections that this process owns.
   * @param tables at least the tables that these name, by digest.
   */
  apply(
    connections: readonly AccessConnectionConfig[],
    tables: readonly TableConfig[],
    generation: number,
  ): Promise<void> {
    const next = this.#applying.then(() => this.#apply(connections, tables, generation));
    this.#applying = next.catch(() => {});
    return next;
  }

  async #apply(
    connections: readonly AccessConnectionConfig[],
    tables: readonly TableConfig[],
    generation: number,
  ): Promise<void> {
    if (this.#isStopped) return;
    this.#cancelTick ??= this.#scheduler.every(TICK_MS, () => this.#tick());
    const table = tableSource(tables);
    const wanted = new Set(connections.map((connection) => connection.id));
    const leaving = [...this.#runners.keys()].filter((id) => !wanted.has(id)).map((id) => this.#remove(id));
    await Promise.all([...leaving, ...connections.map((config) => this.#applyOne(config, table, generation))]);
  }

  async #applyOne(config: AccessConnectionConfig, table: TableSource, generation: number): Promise<void> {
    const old = this.#runners.get(config.id);
    if (old) {
      old.generation = generation;
      if (JSON.stringify(old.config) === JSON.stringify(config)) return;
      if (linkKey(old.config) === linkKey(config)) {
        const driver = await this.#driver(config.driver);
        old.update(config, (digest) => table(digest, driver));
        return;
      }
      await this.#remove(config.id);
    }
    let driver: UntypedDriver;
    try {
      driver = await this.#driver(config.driver);
    } catch (error) {
      this.#refuse(config, generation, reasonOf(error));
      return;
    }
    if (this.#isStopped) return;
    const runner = new ConnectionRunner({
      config,
      driver,
      ports: this.#ports,
      scheduler: this.#scheduler,
      generation,
      table: (digest) => table(digest, driver),
      publish: (batch) => this.#publish(batch),
    });
    this.#runners.set(config.id, runner);
    runner.start();
  }

  async #driver(id: string): Promise<UntypedDriver> {
    let loading = this.#drivers.get(id);
    if (loading === undefined) {
      const load = Object.hasOwn(this.#catalog, id) ? this.#catalog[id] : undefined;
      if (load === undefined) throw new Error(`there is no driver ${id}`);
      // The catalog hides the types that only the driver knows; the host hands back what it was given.
      loading = load().then((driver) => driver as unknown as UntypedDriver);
      this.#drivers.set(id, loading);
      loading.catch(() => this.#drivers.delete(id));
    }
    return loading;
  }

  #refuse(config: AccessConnectionConfig, generation: number, reason: string): void {
    const told = diagnosis('CONNECTION_CONFIG', { field: 'driver', reason });
    this.#ports.log.warn({ connection: config.id, ...told }, 'connection stopped');
    const at = this.#ports.clock.wallMs();
    this.#ports.onState({
      connection: config.id,
      kind: 'access',
      generation,
      state: 'stopped',
      since: at,
      diagnosis: told,
      scanLoad: null,
      devices: [],
      sink: null,
      at,
    });
  }

  async #remove(id: string): Promise<void> {
    const runner = this.#runners.get(id);
    this.#runners.delete(id);
    await runner?.stop();
  }

  #publish(batch: SampleBatch): void {
    this.#batches++;
    this.#values += batch.count;
    try {
      const publishing = this.#ports.publishBatch(batch);
      if (publishing instanceof Promise) publishing.catch((error: unknown) => this.#drop(error));
    } catch (error) {
      this.#drop(error);
    }
  }

  #drop(error: unknown): void {
    this.#dropped++;
    if (this.#isDropTold) return;
    this.#isDropTold = true;
    this.#ports.log.warn({ reason: reasonOf(error) }, 'samples were dropped');
  }

  #tick(): void {
    const now = this.#scheduler.now();
    for (const runner of this.#runners.values()) runner.tick(now);
  }

  /**
   * Writes one tag, ahead of all reads, at most once.
   * @param gate the caller's check of right, permit and deadline. Called at most once, synchronously, in the turn of the
   *   event loop in which the driver writes to its socket; false: nothing is sent.
   * @returns the one report of this write; never rejects.
   */
  write(target: WriteTarget, gate: () => boolean): Promise<WriteReport> {
    if (this.#isStopped) return Promise.resolve(notSent('STOPPING'));
    const runner = this.#runners.get(target.connection);
    if (!runner) return Promise.resolve(notSent('NOT_SENT', `connection ${target.connection} does not run here`));
    return runner.write(target, gate);
  }

  /** Reads one tag at once, after waiting writes and before scans. Never rejects: without an answer it is bad. */
  readNow(target: { readonly connection: string; readonly device: string; readonly tag: number }): Promise<Reading> {
    const runner = this.#runners.get(target.connection);
    if (runner) return runner.readNow(target.device, target.tag);
    const { clock } = this.#ports;
    const [collectedMs, collectedMonotonicMs] = [clock.wallMs(), clock.monotonicMs()];
    return Promise.resolve({ value: null, quality: bad('configuration'), collectedMs, collectedMonotonicMs });
  }

  /** The last frames of a connection, oldest first: at most 256 and 64 KiB. */
  frames(connection: string): Frame[] {
    return this.#runners.get(connection)?.frames() ?? [];
  }

  states(): AccessState[] {
    return [...this.#runners.values()].map((runner) => runner.state());
  }

  figures(): HostFigures {
    return {
      connections: this.#runners.size,
      batches: this.#batches,
      values: this.#values,
      dropped: this.#dropped,
    };
  }

  /** Ends in order: polling stops at once, started writes get their end (5 s at most), sessions close. Safe twice. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#applying;
    await Promise.all([...this.#runners.keys()].map((id) => this.#remove(id)));
    this.#scheduler.stop();
  }
}

type TableSource = (digest: string, driver: UntypedDriver) => CompiledTable;

/** Compiles each table once per generation, however many devices use it. */
function tableSource(tables: readonly TableConfig[]): TableSource {
  const configs = new Map(tables.map((table) => [table.digest, table]));
  const compiled = new Map<string, CompiledTable>();
  return (digest, driver) => {
    const key = `${driver.id}/${digest}`;
    const known = compiled.get(key);
    if (known) return known;
    const config = configs.get(digest);
    if (!config) throw new Error(`table ${digest} is not in this generation`);
    const table = compileTable(config, driver);
    compiled.set(key, table);
    return table;
  };
}

/** What a session rests on. */
function linkKey({ driver, readOnly, with: options }: AccessConnectionConfig): string {
  return JSON.stringify([driver, readOnly, options]);
}
