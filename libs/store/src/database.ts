import type { DataSource } from 'typeorm';
import type { Restoration } from './store.js';

/** The same SQL on either: only how a connection comes about differs. */
export interface Database {
  readonly kind: 'pglite' | 'postgres';
  readonly target: string;
  readonly restoration: Restoration | null;
  /** Lends an initialized source; opens it if it sleeps. */
  use<T>(work: (source: DataSource) => Promise<T>): Promise<T>;
  /** Called with a function that reads the state after each change, where a copy beside the database is kept. */
  changed(source: DataSource): Promise<void>;
  /** Safe twice. */
  close(): Promise<void>;
}
