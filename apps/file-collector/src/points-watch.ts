import { decodeBatch, type SampleBatch, valueAt } from '@busbar/batch';
import type { Bus, Following, InRecord } from '@busbar/bus';
import { qualityLevel } from '@busbar/model';
import type { AppliedGeneration, Logger } from '@busbar/service-kit';

interface Watch {
  readonly connection: string;
  readonly task: string;
  readonly becomes: string | undefined;
}

/** Looks at the points that start tasks: good values alone count, and a change that comes twice is one. */
export class PointsWatch {
  readonly #log: Logger;
  readonly #start: (connection: string, task: string) => void;
  readonly #following: Following;
  /** By asset, then by the number of the point. */
  #watched = new Map<string, Map<number, Watch[]>>();
  /** Last good value, by `asset/number`. */
  readonly #last = new Map<string, string>();
  #refused = false;

  /** @param start called for each change that starts a task, whoever owns its connection. */
  constructor(bus: Bus, log: Logger, start: (connection: string, task: string) => void) {
    this.#log = log;
    this.#start = start;
    this.#following = bus.follow('points.updated.v1', (record) => this.#take(record));
  }

  /** Resolves when no change from then on can be missed. */
  get ready(): Promise<void> {
    return this.#following.ready;
  }

  apply({ configuration }: AppliedGeneration): void {
    const watched = new Map<string, Map<number, Watch[]>>();
    for (const connection of configuration.connections) {
      if (connection.kind !== 'file') continue;
      for (const { id: task, startOn } of connection.tasks) {
        if (!startOn) continue;
        const model = configuration.assets.find(({ id }) => id === startOn.asset)?.model;
        const points = configuration.models.find(({ id }) => id === model)?.points;
        const number = points?.find(({ id }) => id === startOn.point)?.number;
        if (number === undefined) continue;
        const numbers = watched.get(startOn.asset) ?? new Map<number, Watch[]>();
        watched.set(startOn.asset, numbers);
        const becomes = startOn.becomes === undefined ? undefined : String(startOn.becomes);
        const watch: Watch = { connection: connection.id, task, becomes };
        numbers.set(number, [...(numbers.get(number) ?? []), watch]);
      }
    }
    this.#watched = watched;
    for (const key of this.#last.keys()) if (!this.#isWatched(key)) this.#last.delete(key);
  }

  async stop(): Promise<void> {
    await this.#following.stop();
  }

  #isWatched(key: string): boolean {
    const slash = key.lastIndexOf('/');
    return this.#watched.get(key.slice(0, slash))?.has(Number(key.slice(slash + 1))) ?? false;
  }

  #take(record: InRecord): void {
    const numbers = this.#watched.get(record.key);
    const batch = numbers && this.#decode(record);
    if (!numbers || !batch) return;
    for (let i = 0; i < batch.count; i++) {
      const number = batch.handles[i] as number;
      const watches = numbers.get(number);
      if (!watches || qualityLevel(batch.quality[i] as number) !== 'good') continue;
      const raw = valueAt(batch, i);
      if (raw === undefined || (typeof raw === 'object' && raw !== null)) continue;
      const value = String(raw);
      const key = `${record.key}/${number}`;
      // The first value after a start counts as well: what it was before is not known.
      if (this.#last.get(key) === value) continue;
      this.#last.set(key, value);
      for (const { connection, task, becomes } of watches)
        if (becomes === undefined || becomes === value) this.#start(connection, task);
    }
  }

  #decode({ object, value }: InRecord): SampleBatch | undefined {
    if (object !== undefined) return object as SampleBatch;
    if (!value) return undefined;
    try {
      return decodeBatch(value);
    } catch (error) {
      if (!this.#refused) this.#log.warn({ err: error }, 'values that may start tasks cannot be read');
      this.#refused = true;
      return undefined;
    }
  }
}
