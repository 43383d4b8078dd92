import { statfs } from 'node:fs/promises';
import type { TopicSpec } from '@busbar/events';
import type { BusLogger } from '../logger.js';
import type { TopicLog } from './topic-log.js';

/** Kept for control and configuration when samples have filled the log. */
export const RESERVE_BYTES = 64 * 1024 * 1024;

export interface RoomSettings {
  readonly folder: string;
  readonly mapSizeBytes: number;
  readonly reserveBytes: number;
  readonly log: BusLogger;
  readonly topics: () => Iterable<TopicLog>;
}

/** Samples may be dropped to make room, oldest first; everything else lives from the reserve. */
export function isDroppable(spec: TopicSpec): boolean {
  return spec.payload === 'columnar' && !spec.compacted;
}

export function isReserved(spec: TopicSpec): boolean {
  return spec.payload !== 'columnar';
}

/** How much the log may hold: the size set for it, and what the volume still has. */
export class Room {
  readonly #settings: RoomSettings;
  #volumeIsShort = false;
  #freedAhead = 0;

  constructor(settings: RoomSettings) {
    this.#settings = settings;
  }

  get usedBytes(): number {
    let used = 0;
    for (const topic of this.#settings.topics()) used += topic.diskBytes;
    return used;
  }

  /** Asked every few seconds while something is written. */
  async look(): Promise<void> {
    try {
      const volume = await statfs(this.#settings.folder);
      const freeBytes = volume.bavail * volume.bsize;
      const isShort = freeBytes < 2 * this.#settings.reserveBytes;
      if (isShort && !this.#volumeIsShort) {
        const { folder, log } = this.#settings;
        log.warn({ path: folder, freeBytes }, 'the volume is nearly full, the oldest samples make room for new ones');
      }
      this.#volumeIsShort = isShort;
    } catch {
      this.#volumeIsShort = false;
    }
  }

  get isShort(): boolean {
    return this.#volumeIsShort;
  }

  /** False when even dropping every sample would not make room for it. */
  admits(spec: TopicSpec, bytes: number): boolean {
    const { mapSizeBytes, reserveBytes, topics } = this.#settings;
    const limit = isReserved(spec) ? mapSizeBytes : mapSizeBytes - reserveBytes;
    const used = this.usedBytes;
    if (used + bytes <= limit) return true;
    let droppable = 0;
    for (const topic of topics()) if (isDroppable(topic.spec)) droppable += topic.diskBytes;
    return used - droppable + bytes <= limit;
  }

  /** Gives up the oldest samples when these octets do not fit. */
  makeFor(bytes: number): void {
    const { mapSizeBytes, reserveBytes } = this.#settings;
    const over = this.usedBytes - (mapSizeBytes - reserveBytes);
    if (over > 0) this.giveUp(over);
    if (!this.#volumeIsShort) {
      this.#freedAhead = 0;
      return;
    }
    // Whole segments are given up: what one frees pays for several transactions.
    if (this.#freedAhead < bytes) for (const { freed } of this.giveUp(bytes)) this.#freedAhead += freed;
    this.#freedAhead = Math.max(0, this.#freedAhead - bytes);
  }

  /** Gives up the oldest samples until about so many octets are free; the topics that lost some, and how much. */
  giveUp(bytes: number): { readonly topic: TopicLog; readonly freed: number }[] {
    const changed = new Map<TopicLog, number>();
    for (let freed = 0; freed < bytes; ) {
      const oldest = this.#oldest();
      const gained = oldest?.dropOldest() ?? 0;
      if (oldest === null || gained === 0) break;
      changed.set(oldest, (changed.get(oldest) ?? 0) + gained);
      freed += gained;
    }
    return [...changed].map(([topic, freed]) => ({ topic, freed }));
  }

  #oldest(): TopicLog | null {
    let found: TopicLog | null = null;
    let foundMs = Number.POSITIVE_INFINITY;
    for (const topic of this.#settings.topics()) {
      if (!isDroppable(topic.spec) || topic.first >= topic.committed) continue;
      const ms = topic.segments.oldest?.minMs ?? topic.segments.openMinMs;
      if (ms < foundMs) {
        found = topic;
        foundMs = ms;
      }
    }
    return found;
  }
}
