import type { Configuration, GenerationEntity } from '@busbar/events';
import type { LockLine } from '@busbar/package';

/** A file as its author wrote it; path relative to the package with `/`. */
export interface StoredFile {
  readonly path: string;
  readonly content: Uint8Array;
}

export interface Generation {
  /** From 1, without gaps but where a bus had a higher one already. */
  readonly number: number;
  readonly digest: string;
  /** Epoch ms. */
  readonly publishedAt: number;
  readonly by: string;
  readonly note: string;
}

export interface WholeGeneration extends Generation {
  readonly configuration: Configuration;
  /** The records that the bus gets, all but `@generation`. */
  readonly entities: readonly GenerationEntity[];
  readonly files: readonly StoredFile[];
}

export interface Publication {
  /** The generation that the author saw, null for none; another newest one is GENERATION_STALE. */
  readonly basedOn: number | null;
  readonly configuration: Configuration;
  readonly files: readonly StoredFile[];
  readonly lock: readonly LockLine[];
  readonly by: string;
  readonly note?: string;
  /** The new number is above this one, and a new generation is made even if it equals the newest: a bus is ahead. */
  readonly above?: number;
}

export interface Published {
  readonly generation: WholeGeneration;
  /** False: it equals the newest generation, nothing was written. */
  readonly isNew: boolean;
}

/** What was done at the opening because the database could not be used. */
export interface Restoration {
  /** Where the damaged database was put. */
  readonly damaged: string;
  /** The generation that the snapshot brought back. */
  readonly generation: number;
  readonly at: number;
}

/**
 * The configuration database: immutable numbered generations. Every call throws STORE_UNREACHABLE while a PostgreSQL
 * is away; the caller tries again.
 */
export interface Store {
  readonly kind: 'pglite' | 'postgres';
  /** Host and database, or the folder; never a password. */
  readonly target: string;
  readonly restoration: Restoration | null;
  newest(): Promise<WholeGeneration | null>;
  /** NOT_FOUND when there is none of that number. */
  generation(number: number): Promise<WholeGeneration>;
  /** Newest first. */
  list(): Promise<readonly Generation[]>;
  /** By id, the generation since which an entity of that kind is the same; looks at the newest 20 generations. */
  unchangedSince(kind: string): Promise<ReadonlyMap<string, number>>;
  /** One transaction: all of the generation or nothing. */
  publish(publication: Publication): Promise<Published>;
  /** Every number ever given, sorted; retired ones included. */
  lock(): Promise<readonly LockLine[]>;
  /** The newest generation that the outbox saw whole on the bus. */
  publishedOnBus(): Promise<number | null>;
  markPublishedOnBus(number: number): Promise<void>;
  /** Waits for what is under way. Safe twice. */
  close(): Promise<void>;
}

export interface StoreLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}
