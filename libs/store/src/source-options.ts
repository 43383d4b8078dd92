import type { DataSourceOptions } from 'typeorm';
import { ENTITIES } from './entities.js';
import { Generations1764028800000 } from './migrations/generations-1764028800000.js';

/** PGlite has neither uuid-ossp nor extensions to install; no column here needs them. */
export const SOURCE_OPTIONS = {
  type: 'postgres',
  uuidExtension: 'pgcrypto',
  installExtensions: false,
  synchronize: false,
  migrationsRun: false,
  logging: false,
  entities: ENTITIES,
  migrations: [Generations1764028800000],
  migrationsTableName: 'migrations',
} as const satisfies Partial<DataSourceOptions>;
