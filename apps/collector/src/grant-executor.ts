import { admit } from '@busbar/arbitration';
import type { Bus, Following, InRecord, OutRecord, TableView } from '@busbar/bus';
import type { Reading, WriteReport, WriteTarget } from '@busbar/driver-host';
import {
  type ControlValue,
  decodeJson,
  type End,
  type Executed,
  encodeJson,
  type Grant,
  type ItemResult,
  OFFICE_KEY,
  type TagWrite,
} from '@busbar/events';
import type { Clock } from '@busbar/model';
import { DurableOutbox, type Logger, type ProcessIdentity } from '@busbar/service-kit';

/** Ids seen are kept as long as a grant could come again. */
const SEEN_MS = 86_400_000;
/** Between two readings back while feedback does not agree yet. */
const READ_BACK_PAUSE_MS = 200;
/** Results wait this long for the bus when a connection goes or the process ends. */
const RESULTS_MS = 2_000;

export interface GrantExecutorParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly identity: ProcessIdentity;
  /** Epoch under which this process holds a connection; null if it does not. */
  epochOf(connection: string): string | null;
  isLeased(): boolean;
  /** False if tag numbers of this generation may mean something else here: nothing is written then. */
  isUnchanged(device: string, generation: number): boolean;
  write(target: WriteTarget, gate: () => boolean): Promise<WriteReport>;
  readNow(target: Omit<WriteTarget, 'value'>): Promise<Reading>;
  counted(event: 'write' | 'fenced' | 'unknown'): void;
}

interface Verification {
  readonly connection: string;
  readonly points: ReadonlySet<string>;
  readonly stop: AbortController;
  done: Promise<void>;
  /** Somebody else gave the end: this one publishes none. */
  isEnded: boolean;
}

/**
 * Carries out grants, at most once: only those of its own epochs, only while the lease holds, and only after the intent
 * (`control.started`) is durable. Nothing is ever repeated.
 */
export class GrantExecutor {
  readonly ready: Promise<void>;
  readonly #parts: GrantExecutorParts;
  readonly #outbox: DurableOutbox;
  readonly #grants: Following;
  /** Knows the office in force from the start on: a grant of an older one may come first. */
  readonly #held: TableView;
  /** Ids in order of arrival, with the time of it. */
  readonly #seen = new Map<string, number>();
  /** One grant after the other per connection. */
  readonly #lanes = new Map<string, Promise<void>>();
  readonly #verifying = new Set<Verification>();
  #highestTerm = -1;

  constructor(parts: GrantExecutorParts) {
    this.#parts = parts;
    this.#outbox = new DurableOutbox(parts.bus, parts.log);
    this.#held = parts.bus.table('control.held.v1');
    this.#held.onChange((record) => this.#seeOffice(record));
    this.#grants = parts.bus.follow('control.granted.v1', (record) => this.#granted(record));
    this.ready = Promise.all([this.#grants.ready, this.#held.ready]).then(() =>
      this.#seeOffice(this.#held.get(OFFICE_KEY)),
    );
  }

  /** Resolves when every write of this connection that was started has its end, and the end is durable (2 s at most). */
  async settled(connection: string): Promise<void> {
    await this.#lanes.get(connection);
    await this.#endVerifications((verification) => verification.connection === connection);
    await this.#resultsDurable();
  }

  async stop(): Promise<void> {
    await this.#grants.stop();
    await Promise.all(this.#lanes.values());
    await this.#endVerifications(() => true);
    await this.#held.stop();
    await this.#resultsDurable();
    this.#outbox.stop();
  }

  /** Nobody reads back any more: the device has said yes, and that is all that is known. */
  async #endVerifications(isMeant: (verification: Verification) => boolean): Promise<void> {
    const ended = [...this.#verifying].filter(isMeant);
    for (const { stop } of ended) stop.abort();
    await Promise.all(ended.map(({ done }) => done));
  }

  async #resultsDurable(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, RESULTS_MS);
    });
    await Promise.race([this.#outbox.settled(), patience]);
    clearTimeout(timer);
  }

  #seeOffice(record: InRecord | undefined): void {
    if (record?.key === OFFICE_KEY) this.#highestTerm = Math.max(this.#highestTerm, record.offset);
  }

  #granted(record: InRecord): void {
    if (!record.value) return;
    let grant: Grant;
    try {
      grant = (record.object as Grant | undefined) ?? decodeJson('control.granted.v1', record.value);
    } catch (error) {
      this.#parts.log.error({ err: error, key: record.key }, 'grant refused');
      return;
    }
    const { connection, epoch } = grant.executor;
    const own = this.#parts.epochOf(connection);
    if (own === null) return;
    if (own !== epoch || this.#hasSeen(grant.request.id)) {
      this.#parts.counted('fenced');
      return;
    }
    this.#highestTerm = Math.max(this.#highestTerm, grant.term);
    const before = this.#lanes.get(connection) ?? Promise.resolve();
    const lane = before
      .then(() => this.#execute(grant))
      .catch((error) => {
        this.#parts.log.error({ err: error, request: grant.request.id }, 'grant failed');
      })
      .then(() => {
        if (this.#lanes.get(connection) === lane) this.#lanes.delete(connection);
      });
    this.#lanes.set(connection, lane);
  }

  #hasSeen(id: string): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [old, at] of this.#seen) {
      if (nowMs - at < SEEN_MS) break;
      this.#seen.delete(old);
    }
    if (this.#seen.has(id)) return true;
    this.#seen.set(id, nowMs);
    return false;
  }

  #admitted(grant: Grant, isBegun = false): 'execute' | End {
    const { clock, identity } = this.#parts;
    return admit({
      grant,
      epoch: this.#parts.epochOf(grant.executor.connection) ?? '',
      highestTerm: this.#highestTerm,
      lease: this.#parts.isLeased(),
      isBegun,
      now: { bootId: identity.bootId, monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() },
    });
  }

  #isUnchanged({ writes, generation }: Grant): boolean {
    return writes.every(({ device }) => this.#parts.isUnchanged(device, generation));
  }

  async #execute(grant: Grant): Promise<void> {
    this.#supersede(grant);
    const admitted = this.#admitted(grant);
    if (admitted !== 'execute') return this.#refuse(grant, admitted);
    if (!this.#isUnchanged(grant)) return this.#end(grant, { kind: 'failed', effect: 'none', reason: 'NOT_SENT' }, []);
    const started = { grant, startedAt: this.#parts.clock.wallMs() };
    const intent: OutRecord = {
      topic: 'control.started.v1',
      key: grant.executor.connection,
      value: encodeJson('control.started.v1', started),
    };
    try {
      await this.#parts.bus.publish([intent]);
    } catch (error) {
      this.#parts.log.warn({ err: error, request: grant.request.id }, 'intent cannot be recorded: nothing is written');
      return this.#end(grant, { kind: 'failed', effect: 'none', reason: 'NO_RECORD' }, []);
    }
    const items: ItemResult[] = [];
    for (const write of grant.writes) {
      const end = await this.#write(grant, write, items);
      if (!end) continue;
      const rest = grant.writes.slice(items.length).map(({ point }) => ({ point, outcome: 'not-started' as const }));
      return this.#end(grant, end, [...items, ...rest]);
    }
    if (grant.writes.every((write) => write.feedback === undefined)) {
      return this.#end(grant, { kind: 'executed', verified: false, written: true, clamped: false }, items);
    }
    this.#publish({ ...this.#head(grant), kind: 'acknowledged', items, at: this.#parts.clock.wallMs() });
    this.#verifyLater(grant, items);
  }

  /** Carries out one write; returns the end of the request if this was not executed. */
  async #write(grant: Grant, write: TagWrite, items: ItemResult[]): Promise<End | undefined> {
    let refusal: End | undefined;
    const gate = () => {
      const admitted = this.#admitted(grant, items.length > 0);
      if (admitted !== 'execute') refusal = admitted;
      return admitted === 'execute' && this.#isUnchanged(grant);
    };
    const target = { connection: grant.executor.connection, device: write.device, tag: write.tag, value: write.value };
    const report = await this.#parts.write(target, gate);
    if (report.outcome !== 'not-sent') this.#parts.counted('write');
    const answer = report.answer === undefined ? {} : { answer: report.answer };
    const { point } = write;
    switch (report.outcome) {
      case 'done':
        items.push({ point, outcome: 'executed', ...answer });
        return undefined;
      case 'refused':
        items.push({ point, outcome: 'failed', ...answer });
        return { kind: 'failed', effect: items.length > 1 ? 'written' : 'none', reason: 'DEVICE_REFUSED' };
      case 'unknown':
        this.#parts.counted('unknown');
        items.push({ point, outcome: 'unknown', ...answer });
        return { kind: 'unknown', reason: report.reason };
      case 'not-sent': {
        items.push({ point, outcome: 'not-started', ...answer });
        const effect = items.length > 1 ? 'written' : 'none';
        if (report.reason === 'GATE') {
          if (refusal && effect === 'none') return refusal;
          return { kind: 'failed', effect, reason: 'NOT_SENT' };
        }
        return { kind: 'failed', effect, reason: report.reason };
      }
    }
  }

  /** A newer grant for a point ends the verification of the one before; the arbiter gave that its end already. */
  #supersede(grant: Grant): void {
    for (const verification of this.#verifying) {
      if (!grant.writes.some((write) => verification.points.has(write.point))) continue;
      verification.isEnded = true;
      verification.stop.abort();
    }
  }

  /** Beside the lane: the next grant of the connection does not wait for the feedback of this one. */
  #verifyLater(grant: Grant, items: readonly ItemResult[]): void {
    const { connection } = grant.executor;
    const points = new Set(grant.writes.map((write) => write.point));
    const stop = new AbortController();
    const verification: Verification = { connection, points, stop, done: Promise.resolve(), isEnded: false };
    this.#verifying.add(verification);
    verification.done = this.#verify(grant, items, verification)
      .catch((error) => {
        this.#parts.log.error({ err: error, request: grant.request.id }, 'reading back failed');
      })
      .finally(() => this.#verifying.delete(verification));
  }

  async #verify(grant: Grant, items: readonly ItemResult[], verification: Verification): Promise<void> {
    const { stop, connection } = verification;
    const results = await Promise.all(grant.writes.map((write) => this.#verifyOne(connection, write, stop.signal)));
    if (verification.isEnded) return;
    const merged = items.map((item, i) => ({ ...item, ...results[i]?.seen }));
    const isVerified = results.every((result) => result.isVerified);
    if (isVerified || stop.signal.aborted) {
      return this.#end(grant, { kind: 'executed', verified: isVerified, written: true, clamped: false }, merged);
    }
    const failed = merged.map((item, i) => ({ ...item, outcome: results[i]?.isVerified ? item.outcome : 'failed' }));
    this.#end(grant, { kind: 'failed', effect: 'written', reason: 'FEEDBACK' }, failed as ItemResult[]);
  }

  /** Reads back until it agrees or the time is over. Never writes again. */
  async #verifyOne(connection: string, write: TagWrite, signal: AbortSignal) {
    const { clock } = this.#parts;
    const { feedback } = write;
    if (!feedback) return { isVerified: true, seen: {} };
    const untilMs = clock.monotonicMs() + feedback.withinMs;
    let seen: { readBack?: ControlValue } = {};
    while (!signal.aborted) {
      const reading = await this.#parts.readNow({ connection, device: write.device, tag: feedback.tag });
      const value = plainValue(reading.value);
      if (value !== undefined && reading.quality < 0x80) {
        seen = { readBack: value };
        if (feedback.expected.some((expected) => isWithin(value, expected, feedback.tolerance))) {
          return { isVerified: true, seen };
        }
      }
      if (clock.monotonicMs() >= untilMs) break;
      await pause(Math.min(READ_BACK_PAUSE_MS, untilMs - clock.monotonicMs()), signal);
    }
    return { isVerified: false, seen };
  }

  #refuse(grant: Grant, end: End): void {
    // Another epoch's or a lower term's grant has, or gets, its end from the arbiter (control.md 4).
    if (end.kind === 'expired' && (end.reason === 'EPOCH' || end.reason === 'TERM')) {
      this.#parts.counted('fenced');
      return;
    }
    this.#end(grant, end, []);
  }

  #head(grant: Grant) {
    return { id: grant.request.id, connection: grant.executor.connection, epoch: grant.executor.epoch };
  }

  #end(grant: Grant, end: End, items: readonly ItemResult[]): void {
    const head = this.#head(grant);
    this.#publish({ ...head, kind: 'ended', end, items: [...items], late: false, at: this.#parts.clock.wallMs() });
  }

  #publish(executed: Executed): void {
    const value = encodeJson('control.executed.v1', executed);
    this.#outbox.put([{ topic: 'control.executed.v1', key: executed.id, value, object: executed }]);
  }
}

function plainValue(value: Reading['value']): ControlValue | undefined {
  if (typeof value === 'bigint') return value.toString();
  return typeof value === 'number' || typeof value === 'string' ? value : undefined;
}

function isWithin(value: ControlValue, expected: ControlValue, tolerance: number): boolean {
  if (typeof expected === 'boolean') return Number(value) === Number(expected);
  if (typeof value === 'number' && typeof expected === 'number') return Math.abs(value - expected) <= tolerance;
  return String(value) === String(expected);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.max(1, ms));
    signal.addEventListener('abort', end);
  });
}
