import { setTimeout as delay } from 'node:timers/promises';
import type { FileTaskView, FileView } from '@busbar/api-schema';
import type { Bus, Following, InRecord, TableView } from '@busbar/bus';
import {
  type Configuration,
  decodeJson,
  type FileCollected,
  type FileTaskConfig,
  type FileTaskHealth,
  type FileUploaded,
} from '@busbar/events';
import type { Clock } from '@busbar/model';

const COLLECTED = 'files.collected.v1';
const UPLOADED = 'files.uploaded.v1';
/** Of the past that is read at the start, and of what is remembered. */
const KEPT_MS = 24 * 3_600_000;
const KEPT_FILES = 10_000;
const RETRY_MS = 1_000;

/** How far files are: what the clouds have, and what was told of the others since yesterday. */
export class FileViews {
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #uploaded: TableView;
  readonly #following: Following;
  /** By `task/file`, the one that was told of last at the end. */
  readonly #told = new Map<string, FileCollected>();
  readonly #stopping = new AbortController();
  readonly ready: Promise<void>;

  constructor(bus: Bus, clock: Clock) {
    this.#bus = bus;
    this.#clock = clock;
    this.#uploaded = bus.table(UPLOADED);
    this.#following = bus.follow(COLLECTED, (record) => this.#take(record));
    this.ready = this.#readPast();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#uploaded.stop(), this.#following.stop()]);
  }

  /** Those that the clouds have, the newest first. */
  uploaded(task: string | undefined): FileUploaded[] {
    const files: FileUploaded[] = [];
    for (const [key, { value }] of this.#uploaded.entries()) {
      if (task !== undefined && !key.startsWith(`${task}/`)) continue;
      const file = value && decodeJson(UPLOADED, value);
      if (file && (task === undefined || file.task === task)) files.push(file);
    }
    return files.sort((a, b) => b.uploadedAt - a.uploadedAt);
  }

  /** Every file of a task, the newest first. */
  of(task: string): FileView[] {
    const views = new Map(this.uploaded(task).map((file) => [file.file, viewOfUploaded(file)]));
    for (const told of this.#told.values()) {
      if (told.task !== task) continue;
      const known = views.get(told.file);
      // The table says more of an uploaded file; who told of it last wins else.
      if (!known || (told.state !== 'uploaded' && told.at > known.at)) views.set(told.file, viewOfTold(told));
    }
    return [...views.values()].sort((a, b) => b.at - a.at);
  }

  async #readPast(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#following.ready;
        const toMs = this.#clock.wallMs() + 60_000;
        const options = { fromMs: toMs - KEPT_MS, toMs, limit: KEPT_FILES };
        for (const record of await this.#bus.range(COLLECTED, null, options)) this.#take(record);
        return;
      } catch {
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #take({ value }: InRecord): void {
    if (!value) return;
    let told: FileCollected;
    try {
      told = decodeJson(COLLECTED, value);
    } catch {
      // A view goes without what cannot be read.
      return;
    }
    const key = `${told.task}/${told.file}`;
    const before = this.#told.get(key);
    // The past is read while the present goes on.
    if (before && before.at > told.at) return;
    this.#told.delete(key);
    this.#told.set(key, told);
    if (this.#told.size > KEPT_FILES) this.#told.delete(this.#told.keys().next().value as string);
  }
}

/** Every configured task, with what its owner says of it. */
export function fileTaskViews(
  { connections }: Pick<Configuration, 'connections'>,
  healthOf: (connection: string) => readonly FileTaskHealth[],
): FileTaskView[] {
  return connections.flatMap((connection) => {
    if (connection.kind !== 'file') return [];
    const { id, title, timezone, with: source } = connection;
    const health = healthOf(id);
    return connection.tasks.map((task) => ({
      ...shown(task),
      connection: id,
      connectionTitle: title,
      protocol: source.protocol,
      timezone,
      health: health.find((one) => one.task === task.id) ?? null,
    }));
  });
}

function shown({ id, title, path, match, everyMs, cron, window, startOn, after, to, keep }: FileTaskConfig) {
  const optional = { ...(cron === undefined ? {} : { cron }), ...(startOn === undefined ? {} : { startOn }) };
  return { task: id, title, path, match, everyMs, window, ...optional, after, to, keepBytes: keep.bytes };
}

function viewOfUploaded({ file, size, sha256, sinks, after, uploadedAt }: FileUploaded): FileView {
  const rest = { sha256, sink: null, sinks, after, diagnosis: null, at: uploadedAt };
  return { file, state: 'uploaded', size, bytes: size, ...rest };
}

function viewOfTold({ file, state, size, bytes, sha256, sink, diagnosis, at }: FileCollected): FileView {
  const rest = { sha256: sha256 ?? null, sink: sink ?? null, sinks: [], after: null, diagnosis, at };
  return { file, state, size, bytes, ...rest };
}
