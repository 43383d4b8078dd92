import type { Diagnosis } from '@busbar/errors';
import { Lane } from '../lane.js';
import { MAX_DELIVERY_BYTES } from '../limits.js';
import type { BusLogger } from '../logger.js';
import type { Consumption, Handler, InRecord } from '../port.js';
import type { CommitBatch } from './commit-batch.js';
import type { GroupPosition } from './group-position.js';

/** A consumer that is behind takes this much from the log per event turn, so that reading never holds the loop. */
const CHUNK_BYTES = 256 * 1024;

export interface EmbeddedConsumptionSettings {
  readonly position: GroupPosition;
  readonly handler: Handler;
  readonly log: BusLogger;
  readonly refuse: (record: InRecord, diagnosis: Diagnosis) => Promise<unknown>;
  readonly settled: (position: GroupPosition) => void;
  readonly flush: () => Promise<void>;
  readonly ended: (consumption: EmbeddedConsumption) => void;
}

function flushOf(batches: readonly CommitBatch[]): () => Promise<void> {
  return async () => {
    for (const batch of batches) await batch.done;
  };
}

/** One group's reading of one topic. Waits while another of the same group is in front of it. */
export class EmbeddedConsumption implements Consumption {
  readonly ready = Promise.resolve();
  readonly position: GroupPosition;
  readonly #settings: EmbeddedConsumptionSettings;
  readonly #lane: Lane;
  /** Next offset to be handed over. */
  next: number;
  isActive = false;
  #turn: NodeJS.Immediate | null = null;
  #stopping: Promise<void> | null = null;

  constructor(settings: EmbeddedConsumptionSettings) {
    this.#settings = settings;
    this.position = settings.position;
    this.next = settings.position.next;
    const { position, handler, log, refuse } = settings;
    this.#lane = new Lane({
      topic: position.topic.name,
      partition: 0,
      group: position.name,
      handler,
      log,
      refuse,
      settled: (next) => {
        position.next = next;
        settings.settled(position);
      },
      room: () => this.pump(),
    });
  }

  activate(): void {
    this.isActive = true;
    this.next = this.position.next;
    this.#soon();
  }

  /** Hands over what there is as far as the limits allow. */
  pump(): void {
    const { topic } = this.position;
    if (!this.isActive || this.#stopping) return;
    while (this.#lane.hasRoom && this.next < topic.next) {
      if (this.next < topic.first) this.#skipLost(topic.first);
      const isBehind = this.next < topic.tailFirst;
      const read = topic.read(this.next, Math.min(this.#lane.roomBytes, isBehind ? CHUNK_BYTES : MAX_DELIVERY_BYTES));
      if (read.next === this.next) return;
      this.next = read.next;
      this.#lane.hand({
        records: read.records,
        next: read.next,
        flushed: flushOf(read.batches),
        isVoid: (record) => topic.isVoid(record.offset),
      });
      if (isBehind) {
        this.#soon();
        return;
      }
    }
  }

  lag(): { readonly records: number; readonly oldestMs: number | null } {
    const { topic, next } = this.position;
    const from = Math.max(next, topic.first);
    const records = topic.next - from;
    if (records === 0) return { records, oldestMs: null };
    return { records, oldestMs: this.#lane.oldestMs ?? topic.at(from)?.timestampMs ?? topic.newestMs };
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (this.#turn) clearImmediate(this.#turn);
    await this.#lane.stop();
    await this.#settings.flush();
    this.isActive = false;
    this.#settings.ended(this);
  }

  #soon(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = null;
      this.pump();
    });
  }

  #skipLost(first: number): void {
    const { topic, name } = this.position;
    this.#settings.log.warn(
      { topic: topic.name, group: name, from: this.next, to: first - 1 },
      'records were dropped by retention before the group had them',
    );
    this.next = first;
  }
}
