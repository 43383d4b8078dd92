import type { PlannedRequest } from '@busbar/driver-sdk';
import type { PollGroup as GroupPeriod } from '@busbar/events';
import { bad, type Quality, uncertain } from '@busbar/model';
import type { CompiledTags } from './compiled-table.js';
import type { ScanWriter } from './scan-writer.js';

const REFUSED = bad('refused-address');
const CONFIGURATION = bad('configuration');
const STALE = uncertain('stale');
const TOO_OLD = bad('stale');
const REPEAT_MS = 30_000;
const RELEARN_MS = 600_000;
/** After a reconnect what was learned is doubted, but a flapping link must not make the device busy with refusals. */
const RELEARN_AFTER_RECONNECT_MS = 60_000;

export type Plan = (tags: CompiledTags['tags']) => readonly PlannedRequest[];

/** One poll group of one device: its requests, what was learned about them, and the age of their values. */
export class PollGroup {
  writer: ScanWriter;
  readonly tags: CompiledTags;
  /** Milliseconds; null: once per connect. */
  readonly periodMs: number | null;
  /** In the queue of its channel or under way. */
  isQueued = false;
  /** Index of the request to run next. */
  next = 0;
  lateScans = 0;
  /** Of an unplanned or refused tag; 0 for the rest. */
  readonly #standing: Uint8Array;
  #standingAt = Number.NEGATIVE_INFINITY;
  /** Fed by the device itself: never read, every tag of it that is understood counts as planned. */
  readonly isPushed: boolean;
  readonly #plan: Plan;
  #requests: PlannedRequest[] = [];
  #freshAt: number[] = [];
  #aged: number[] = [];
  #learnedAt: number | null = null;
  #isDoubted = false;

  constructor(input: {
    readonly tags: CompiledTags;
    readonly period: GroupPeriod | undefined;
    readonly writer: ScanWriter;
    readonly plan: Plan;
    readonly now: number;
    /** The driver takes what devices send by themselves. */
    readonly subscribes: boolean;
  }) {
    this.tags = input.tags;
    this.writer = input.writer;
    this.#plan = input.plan;
    this.periodMs = typeof input.period === 'number' ? input.period : null;
    this.#standing = new Uint8Array(input.tags.tags.length);
    const polled = typeof input.period === 'number' || input.period === 'start';
    this.isPushed = input.period === 'event' && input.subscribes;
    if (this.isPushed) this.#expectPushed();
    else if (polled) this.#replan(input.now);
    else this.#standing.fill(CONFIGURATION);
  }

  get requests(): readonly PlannedRequest[] {
    return this.#requests;
  }

  #replan(now: number): void {
    this.#standing.fill(0);
    this.#learnedAt = null;
    this.#isDoubted = false;
    const understood = this.tags.tags.filter((_tag, index) => this.tags.isBroken[index] === 0);
    this.#use([...this.#plan(understood)], now);
    this.tags.tags.forEach((_tag, index) => {
      if (!this.writer.isPlanned(index)) this.#standing[index] = CONFIGURATION;
    });
  }

  #expectPushed(): void {
    this.writer.setRequests([{ tags: this.pushed.map((tag) => tag.index) }]);
    for (const [index, broken] of this.tags.isBroken.entries()) if (broken) this.#standing[index] = CONFIGURATION;
  }

  /** The tags to subscribe to. */
  get pushed(): CompiledTags['tags'] {
    return this.tags.tags.filter((_tag, index) => this.tags.isBroken[index] === 0);
  }

  #use(requests: PlannedRequest[], now: number): void {
    const age = new Map(this.#requests.map((request, i) => [request, [this.#freshAt[i] ?? now, this.#aged[i] ?? 0]]));
    this.#requests = requests;
    this.#freshAt = requests.map((request) => age.get(request)?.[0] ?? now);
    this.#aged = requests.map((request) => age.get(request)?.[1] ?? 0);
    this.writer.setRequests(requests);
  }

  /** The request at `next` was refused as a whole: two halves take its place, or its only tag is left out from now on. */
  split(now: number): void {
    const request = this.#requests[this.next] as PlannedRequest;
    const { tags } = request;
    const rest = [...this.#requests];
    this.#learnedAt ??= now;
    const middle = tags.length >> 1;
    const halves = tags.length > 1 ? [tags.slice(0, middle), tags.slice(middle)] : [];
    rest.splice(this.next, 1, ...halves.flatMap((half) => this.#planOf(half)));
    this.#use(rest, now);
    for (const tag of tags) if (!this.writer.isPlanned(tag)) this.#refuse(tag);
  }

  #planOf(indexes: readonly number[]): readonly PlannedRequest[] {
    return this.#plan(indexes.map((index) => this.tags.tags[index] as CompiledTags['tags'][number]));
  }

  #refuse(tag: number): void {
    this.#standing[tag] = REFUSED;
    this.#standingAt = Number.NEGATIVE_INFINITY;
  }

  /** Refused addresses are tried again after a reconnect, and every 10 minutes; not while a scan is under way. */
  relearn(now: number, reconnected: boolean): void {
    if (this.#learnedAt === null) return;
    const known = now - this.#learnedAt;
    this.#isDoubted ||= known >= (reconnected ? RELEARN_AFTER_RECONNECT_MS : RELEARN_MS);
    if (this.#isDoubted && !this.isQueued) this.#replan(now);
  }

  answered(now: number): void {
    this.#freshAt[this.next] = now;
    this.#aged[this.next] = 0;
  }

  /** Into the batch of this scan, at most every 30 s: tags that are never asked. */
  putStanding(now: number): void {
    if (now - this.#standingAt < REPEAT_MS) return;
    this.#standingAt = now;
    this.#standing.forEach((quality, tag) => {
      if (quality !== 0) this.writer.putOwn(tag, Number.NaN, quality);
    });
  }

  /** Values that were not refreshed for `staleScans` scans turn uncertain, after twice as many bad. True if any did. */
  age(now: number, staleScans: number): boolean {
    if (this.periodMs === null) return false;
    const limit = this.periodMs * staleScans;
    let changed = false;
    for (let i = 0; i < this.#requests.length; i++) {
      const missing = now - (this.#freshAt[i] as number);
      const level = missing >= 2 * limit ? 2 : missing >= limit ? 1 : 0;
      if (level <= (this.#aged[i] as number)) continue;
      this.#aged[i] = level;
      changed = this.#putAged((this.#requests[i] as PlannedRequest).tags, level === 2 ? TOO_OLD : STALE) || changed;
    }
    return changed;
  }

  #putAged(tags: readonly number[], quality: Quality): boolean {
    let changed = false;
    for (const tag of tags) {
      if (!this.writer.hasValue(tag)) continue;
      if (quality === STALE) this.writer.putAgain(tag, STALE);
      else this.writer.putOwn(tag, Number.NaN, quality);
      changed = true;
    }
    return changed;
  }

  /** Every tag of the group as bad, for a link or device that is gone. */
  putAll(quality: Quality): void {
    for (let tag = 0; tag < this.#standing.length; tag++) {
      const standing = this.#standing[tag] as number;
      this.writer.putOwn(tag, Number.NaN, standing === CONFIGURATION ? standing : quality);
    }
  }

  /** The link is there (again): ages count from now. */
  restart(now: number): void {
    this.#freshAt.fill(now);
    this.#aged.fill(0);
  }
}
