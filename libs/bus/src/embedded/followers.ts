import type { TopicName } from '@busbar/events';
import type { BusLogger } from '../logger.js';
import type { Following, InRecord } from '../port.js';

interface Follower {
  readonly from: number;
  readonly listener: (record: InRecord) => void;
}

export class Followers {
  readonly #log: BusLogger;
  readonly #byTopic = new Map<TopicName, Set<Follower>>();

  constructor(log: BusLogger) {
    this.#log = log;
  }

  has(topic: TopicName): boolean {
    return (this.#byTopic.get(topic)?.size ?? 0) > 0;
  }

  /** `from`: first offset that it gets. */
  add(topic: TopicName, from: number, listener: (record: InRecord) => void): Following {
    const followers = this.#byTopic.get(topic) ?? new Set();
    this.#byTopic.set(topic, followers);
    const follower: Follower = { from, listener };
    followers.add(follower);
    return {
      ready: Promise.resolve(),
      stop: async () => {
        followers.delete(follower);
      },
    };
  }

  tell(record: InRecord): void {
    for (const { from, listener } of this.#byTopic.get(record.topic) ?? []) {
      if (record.offset < from) continue;
      try {
        listener(record);
      } catch (error) {
        this.#log.error({ topic: record.topic, err: error }, 'follower failed');
      }
    }
  }

  clear(): void {
    this.#byTopic.clear();
  }
}
