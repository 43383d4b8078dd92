import type { ErrorEntry } from '../catalog.js';

export const STORE_ERRORS = {
  STORE_UNREACHABLE: {
    sentence: 'The configuration database at {target} does not answer: {reason}.',
    fix: 'Start it, or correct BUSBAR_DATABASE_URL; the last configuration keeps running.',
    retry: 'retry',
  },
  STORE_LOCKED: {
    sentence: 'The configuration database in {path} is open in process {pid}.',
    fix: 'Stop that process, or give this one another folder by BUSBAR_DATA.',
    retry: 'fix',
  },
  GENERATION_STALE: {
    sentence: 'Generation {number} was published meanwhile.',
    fix: 'Plan again on it.',
    retry: 'fix',
  },
  STORE_DAMAGED: {
    sentence: 'The configuration database is damaged: {thing} is not what was stored.',
    fix: 'The last configuration keeps running; restore the data folder from a backup, or move the database away and publish again.',
    retry: 'fix',
  },
  STORE_RESTORED: {
    sentence:
      'The configuration database was damaged and set aside as {damaged}; generation {generation} came back from its copy.',
    fix: 'Check the disk; older generations are in the folder set aside only.',
    retry: 'fix',
  },
  GENERATION_FOREIGN: {
    sentence: 'The bus carries generation {number} of another database.',
    fix: 'Give each site a bus of its own, or stop the service that publishes from the other database.',
    retry: 'fix',
  },
} as const satisfies Record<string, ErrorEntry>;
