import type { ConnectionView } from '@busbar/api-schema';
import type { Bus, InRecord, TableView } from '@busbar/bus';
import { type Configuration, type ConnectionChanged, type ConnectionConfig, decodeJson } from '@busbar/events';

export interface ConnectionChange {
  readonly items: readonly ConnectionView[];
  readonly removed: readonly string[];
  /** True: `items` is all there is. */
  readonly reset: boolean;
}

type Listener = (change: ConnectionChange) => void;

/** Health of every configured connection: what its owner says of it, with the names of the configuration. */
export class ConnectionViews {
  readonly #table: TableView;
  readonly #states = new Map<string, ConnectionChanged>();
  readonly #listeners = new Set<Listener>();
  readonly #unsubscribe: () => void;
  #configs = new Map<string, ConnectionConfig>();
  #generation = 0;
  #appliedMs = 0;

  constructor(bus: Bus) {
    this.#table = bus.table('connections.changed.v1');
    this.#unsubscribe = this.#table.onChange((record) => this.#take(record));
    this.#table.ready.then(
      () => {
        for (const [, record] of this.#table.entries()) this.#read(record);
        this.#tell({ items: this.list(), removed: [], reset: true });
      },
      () => undefined,
    );
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#table.stop();
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  apply(generation: number, configuration: Configuration, nowMs: number): void {
    this.#configs = new Map(configuration.connections.map((connection) => [connection.id, connection]));
    this.#generation = generation;
    this.#appliedMs = nowMs;
    this.#tell({ items: this.list(), removed: [], reset: true });
  }

  list(): ConnectionView[] {
    return [...this.#configs.values()].map((config) => this.#viewOf(config));
  }

  /** Smallest generation that any configured connection's owner says it has applied; undefined if one never reported. */
  applied(): number | undefined {
    const numbers = [...this.#configs.keys()].map((id) => this.#states.get(id)?.generation);
    if (numbers.some((number) => number === undefined)) return undefined;
    return Math.min(Number.POSITIVE_INFINITY, ...(numbers as number[]));
  }

  #take(record: InRecord): void {
    if (record.value === null) this.#states.delete(record.key);
    else if (!this.#read(record)) return;
    const config = this.#configs.get(record.key);
    if (config) this.#tell({ items: [this.#viewOf(config)], removed: [], reset: false });
  }

  #read(record: InRecord): boolean {
    if (!record.value) return false;
    try {
      this.#states.set(record.key, decodeJson('connections.changed.v1', record.value));
      return true;
    } catch {
      return false;
    }
  }

  #viewOf(config: ConnectionConfig): ConnectionView {
    const state = this.#states.get(config.id) ?? this.#unreported(config);
    return {
      ...state,
      title: config.title,
      driver: pluginOf(config),
      readOnly: 'readOnly' in config ? config.readOnly : !config.control,
    };
  }

  /** Nobody took it yet. */
  #unreported(config: ConnectionConfig): ConnectionChanged {
    return {
      connection: config.id,
      kind: config.kind,
      service: '',
      member: '',
      epoch: null,
      generation: this.#generation,
      state: 'starting',
      since: this.#appliedMs,
      diagnosis: null,
      scanLoad: null,
      devices: [],
      sink: null,
      at: this.#appliedMs,
    };
  }

  #tell(change: ConnectionChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** What speaks for the connection. */
function pluginOf(config: ConnectionConfig): string {
  switch (config.kind) {
    case 'access':
      return config.driver;
    case 'sink':
      return config.sink;
    case 'forwarding':
      return config.server;
    case 'file':
      return config.with.protocol;
  }
}
