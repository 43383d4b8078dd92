import type { Bus, Following, InRecord } from '@busbar/bus';
import { type ControlValue, decodeJson, type Executed, type Grant, type ItemResult } from '@busbar/events';
import { type Quality, uncertain } from '@busbar/model';

/** Nobody measured it: we know it because we wrote it (SB of IEC 60870-5-101 §7.2.6.3). */
const WRITTEN = uncertain('substituted');
const STALE = uncertain('stale');
/** Grants whose end may still come. */
const MOST_GRANTS = 1_000;
/** As long as the topics keep what happened. */
const LOOK_BACK_MS = 24 * 3_600_000;

/** A value that a device has because it was told so. */
export interface ExecutedValue {
  /** `asset/point`. */
  readonly path: string;
  /** Null: another command ended without anybody knowing whether it was carried out. */
  readonly value: ControlValue | null;
  readonly timeMs: number;
  readonly quality: Quality;
}

export interface ExecutedValuesParts {
  readonly bus: Bus;
  /** Is it a point without feedback that is offered here? */
  isWanted(path: string): boolean;
  put(value: ExecutedValue): void;
  /** What happened before, or a record, cannot be read: such points stay without a value until the next command. */
  failed(error: unknown): void;
  /** Are there such points at all? */
  hasAny(): boolean;
}

/**
 * What commands have left at points without feedback, whoever gave them: such a point shows the value that was executed,
 * never one that was only wished.
 */
export class ExecutedValues {
  readonly #parts: ExecutedValuesParts;
  readonly #grants = new Map<string, Grant>();
  readonly #following: Following[] = [];

  constructor(parts: ExecutedValuesParts) {
    this.#parts = parts;
  }

  /** What was executed before, as old as it is, and then what comes. */
  async start(nowMs: number): Promise<void> {
    const { bus } = this.#parts;
    // Followed first: what comes while the past is read is not missed, and twice is the same.
    this.#following.push(
      bus.follow('control.granted.v1', (record) => this.#grant(record)),
      bus.follow('control.executed.v1', (record) => this.#end(record, WRITTEN)),
    );
    await Promise.all(this.#following.map(({ ready }) => ready));
    if (this.#parts.hasAny()) await this.#past(nowMs).catch((error: unknown) => this.#parts.failed(error));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#following.map((one) => one.stop()));
  }

  async #past(nowMs: number): Promise<void> {
    const { bus } = this.#parts;
    const span = { fromMs: nowMs - LOOK_BACK_MS, toMs: nowMs };
    const [granted, executed] = await Promise.all([
      bus.range('control.granted.v1', null, span),
      bus.range('control.executed.v1', null, span),
    ]);
    const before = new Map<string, Grant>();
    for (const record of granted) this.#grant(record, before);
    for (const record of executed) this.#end(record, STALE, before);
  }

  #grant(record: InRecord, grants = this.#grants): void {
    const grant = this.#read(
      record,
      () => (record.object as Grant | undefined) ?? decodeJson('control.granted.v1', record.value as Uint8Array),
    );
    if (grant?.request.act !== 'operate' || grant.request.dryRun) return;
    if (!grant.request.items.some(({ point }) => this.#parts.isWanted(point))) return;
    grants.set(grant.request.id, grant);
    if (grants !== this.#grants) return;
    for (const oldest of grants.keys()) {
      if (grants.size <= MOST_GRANTS) break;
      grants.delete(oldest);
    }
  }

  #end(record: InRecord, quality: Quality, grants = this.#grants): void {
    const ended = this.#read(
      record,
      () => (record.object as Executed | undefined) ?? decodeJson('control.executed.v1', record.value as Uint8Array),
    );
    if (ended?.kind !== 'ended') return;
    const grant = grants.get(ended.id);
    if (!grant) return;
    const isClamped = ended.end.kind === 'executed' && ended.end.clamped;
    for (const result of ended.items) {
      const item = grant.request.items.find(({ point }) => point === result.point);
      if (!item || !this.#parts.isWanted(item.point)) continue;
      const value = leftBy(result, isClamped ? null : item.value);
      if (value === undefined) continue;
      this.#parts.put({ path: item.point, value, timeMs: ended.at, quality: value === null ? STALE : quality });
    }
  }

  #read<T>(record: InRecord, read: () => T): T | undefined {
    if (record.value === null) return undefined;
    try {
      return read();
    } catch (error) {
      this.#parts.failed(error);
      return undefined;
    }
  }
}

/** Undefined: the point has what it had; null: nobody knows. */
function leftBy({ outcome, readBack }: ItemResult, asked: ControlValue | null): ControlValue | null | undefined {
  if (outcome === 'executed') return readBack ?? asked;
  return outcome === 'unknown' ? null : undefined;
}
