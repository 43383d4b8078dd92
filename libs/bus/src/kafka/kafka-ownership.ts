import type { TopicName } from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { Admin } from 'kafkajs';
import { STOP_WAIT_MS } from '../limits.js';
import type { BusLogger } from '../logger.js';
import type { Ownership, OwnListener } from '../port.js';
import type { BrokerWatch, Watched } from './broker-watch.js';
import { settledWithin } from './kafka-client.js';
import { Lease } from './lease.js';
import { partitionOf } from './partition-of.js';
import { type Joined, SupervisedConsumer, type SupervisedConsumerSettings } from './supervised-consumer.js';

const ASK_WAIT_MS = 3_000;

export interface KafkaOwnershipSettings {
  readonly source: Omit<SupervisedConsumerSettings, 'fromBeginning' | 'events'>;
  readonly topic: TopicName;
  readonly listener: OwnListener;
  readonly admin: () => Promise<Admin>;
  readonly clock: Clock;
  readonly log: BusLogger;
  readonly watch: BrokerWatch;
}

/** Membership of a consumer group whose records nobody reads: the group only shares the partitions out. */
export class KafkaOwnership implements Ownership, Watched {
  readonly ready: Promise<void>;
  readonly #settings: KafkaOwnershipSettings;
  readonly #source: SupervisedConsumer;
  readonly #lease: Lease;
  #member = '';
  #owned = new Set<number>();
  #changes: Promise<void> = Promise.resolve();
  #resolveReady: () => void = () => undefined;
  #stopping: Promise<void> | null = null;

  constructor(settings: KafkaOwnershipSettings) {
    this.#settings = settings;
    this.#lease = new Lease(settings.clock);
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
    settings.watch.add(this);
    this.#source = new SupervisedConsumer({
      ...settings.source,
      fromBeginning: false,
      events: {
        joined: (joined) => this.#joined(joined),
        batch: ({ batch, resolveOffset }) => resolveOffset(batch.lastOffset()),
        answered: (tookMs) => this.#lease.answered(tookMs),
        gone: () => this.#gone(),
      },
    });
  }

  get member(): string {
    return this.#member;
  }

  owns(key: string): boolean {
    return this.#owned.has(partitionOf(this.#settings.topic, key));
  }

  lease(use: 'read' | 'write'): boolean {
    return this.#lease.isValid(use);
  }

  async isGone(member: string): Promise<boolean> {
    let isGone = false;
    // No answer in time is no certainty.
    await settledWithin(
      this.#describe(member).then((answer) => {
        isGone = answer;
      }),
      ASK_WAIT_MS,
    );
    return isGone;
  }

  async #describe(member: string): Promise<boolean> {
    const { groupId } = this.#settings.source;
    const admin = await this.#settings.admin();
    const { groups } = await admin.describeGroups([groupId]);
    const group = groups.find((described) => described.groupId === groupId);
    // Only the word of a settled group counts; in a rebalance the list is not the whole one.
    if (group?.state !== 'Stable') return false;
    return !group.members.some(({ memberId }) => memberId === member);
  }

  tick(_isReachable: boolean): void {
    this.#lease.look();
  }

  refused(askedMs: number): void {
    this.#lease.refused(askedMs);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#changes;
    await this.#lose([...this.#owned]);
    this.#lease.end();
    this.#settings.watch.remove(this);
    await this.#source.stop();
    this.#resolveReady();
  }

  #joined({ memberId, partitions }: Joined): void {
    if (this.#stopping) return;
    const isNew = memberId !== this.#member;
    const before = this.#owned;
    this.#member = memberId;
    // With a new member id the group went on without us: everything was lost, whatever comes back.
    const lost = [...before].filter((partition) => isNew || !partitions.includes(partition));
    const gained = partitions.filter((partition) => isNew || !before.has(partition));
    this.#owned = new Set(partitions.filter((partition) => !gained.includes(partition)));
    this.#changes = this.#changes.then(async () => {
      await this.#lose(lost);
      if (this.#stopping || this.#member !== memberId) return;
      for (const partition of gained) this.#owned.add(partition);
      if (gained.length > 0) this.#tell(() => this.#settings.listener.gained(gained));
      this.#resolveReady();
    });
  }

  #gone(): void {
    this.#lease.end();
    if (this.#stopping) return;
    const lost = [...this.#owned];
    this.#owned = new Set();
    this.#member = '';
    this.#changes = this.#changes.then(() => this.#lose(lost));
  }

  async #lose(partitions: readonly number[]): Promise<void> {
    if (partitions.length === 0) return;
    for (const partition of partitions) this.#owned.delete(partition);
    try {
      await settledWithin(this.#settings.listener.lost(partitions), STOP_WAIT_MS);
    } catch (error) {
      this.#settings.log.error({ err: error }, 'ownership listener failed');
    }
  }

  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#settings.log.error({ err: error }, 'ownership listener failed');
    }
  }
}
