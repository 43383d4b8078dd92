import type { Bus, TableView } from '@busbar/bus';
import { decodeJson, encodeJson, type FileUploaded } from '@busbar/events';
import type { RemoteFile } from './sources/file-source.js';

const TOPIC = 'files.uploaded.v1';

/** How a known file compares with what the source lists now. */
export type Known = 'new' | 'same' | 'maybe';

export function compare(known: FileUploaded | undefined, file: RemoteFile): Known {
  if (!known) return 'new';
  if (file.size === null && file.modifiedMs === null && file.tag === null) return 'maybe';
  if (file.tag !== null && known.tag !== null && file.tag !== known.tag) return 'maybe';
  if (file.size !== null && file.size !== known.size) return 'new';
  return file.modifiedMs === known.modifiedAt ? 'same' : 'maybe';
}

/** What the clouds have, whoever brought it there: a compacted topic, so that it moves with the connection. */
export class Ledger {
  readonly #bus: Bus;
  readonly #table: TableView;
  /** Written by us and not in the view yet. */
  readonly #own = new Map<string, FileUploaded | null>();
  readonly #unsubscribe: () => void;

  constructor(bus: Bus) {
    this.#bus = bus;
    this.#table = bus.table(TOPIC);
    this.#unsubscribe = this.#table.onChange(({ key, value }) => {
      const own = this.#own.get(key);
      const seen = value && decodeJson(TOPIC, value);
      if (own === null ? seen === null : own?.uploadedAt === seen?.uploadedAt && own?.after === seen?.after) {
        this.#own.delete(key);
      }
    });
  }

  get ready(): Promise<void> {
    return this.#table.ready;
  }

  get(task: string, path: string): FileUploaded | undefined {
    const key = keyOf(task, path);
    const own = this.#own.get(key);
    if (own !== undefined) return own ?? undefined;
    const value = this.#table.get(key)?.value;
    return value ? decodeJson(TOPIC, value) : undefined;
  }

  /** Paths of a task. */
  *of(task: string): Generator<FileUploaded> {
    for (const [key, { value }] of this.#table.entries()) {
      if (!key.startsWith(`${task}/`) || !value) continue;
      const known = this.get(task, key.slice(task.length + 1));
      if (known?.task === task) yield known;
    }
  }

  /** Latest time of a value so far, epoch ms. */
  lastTimeMs(): number {
    let last = 0;
    for (const [, { value }] of this.#table.entries()) {
      if (value) last = Math.max(last, decodeJson(TOPIC, value).collectedAt);
    }
    return last;
  }

  /** Resolves when durable. */
  async put(record: FileUploaded): Promise<void> {
    const key = keyOf(record.task, record.file);
    this.#own.set(key, record);
    await this.#bus.publish([{ topic: 'files.uploaded.v1', key, value: encodeJson(TOPIC, record) }]);
  }

  async forget({ task, file }: FileUploaded): Promise<void> {
    const key = keyOf(task, file);
    this.#own.set(key, null);
    await this.#bus.publish([{ topic: 'files.uploaded.v1', key, value: null }]);
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#table.stop();
  }
}

function keyOf(task: string, path: string): string {
  return `${task}/${path}`;
}
