import type { BusLogger } from '../logger.js';
import type { Ownership, OwnListener } from '../port.js';

export interface EmbeddedOwnershipSettings {
  readonly listener: OwnListener;
  readonly log: BusLogger;
  readonly isOpen: () => boolean;
  readonly ended: (ownership: EmbeddedOwnership) => void;
}

/** All keys belong to the one process that holds the folder; of several in a group the first has them. */
export class EmbeddedOwnership implements Ownership {
  readonly member = 'local';
  readonly ready: Promise<void>;
  readonly #settings: EmbeddedOwnershipSettings;
  #isOwner = false;
  #resolveReady: () => void = () => undefined;
  #stopping: Promise<void> | null = null;

  constructor(settings: EmbeddedOwnershipSettings) {
    this.#settings = settings;
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
  }

  /** After the caller has this object: `gained` may use it. */
  gain(): void {
    queueMicrotask(() => {
      if (this.#stopping) return;
      this.#isOwner = true;
      this.#settings.listener.gained([0]);
      this.#resolveReady();
    });
  }

  wait(): void {
    queueMicrotask(this.#resolveReady);
  }

  owns(_key: string): boolean {
    return this.#isOwner;
  }

  lease(_use: 'read' | 'write'): boolean {
    return this.#isOwner && this.#settings.isOpen();
  }

  /** The lock on the folder is the membership: whoever had it before is gone for certain. */
  async isGone(_member: string): Promise<boolean> {
    return true;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    try {
      if (this.#isOwner) await this.#settings.listener.lost([0]);
    } catch (error) {
      this.#settings.log.error({ err: error }, 'ownership listener failed');
    }
    this.#isOwner = false;
    this.#settings.ended(this);
  }
}
