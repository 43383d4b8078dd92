import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka } from '../../tools/servers/kafka.mjs';
import { startPostgres } from '../../tools/servers/postgres.mjs';

export interface Kafka {
  readonly what: string;
  readonly brokers: string;
  stop(): Promise<unknown>;
  /** Absent for a broker that was given by address: it is not ours to kill. */
  readonly kill?: () => Promise<unknown>;
  readonly restart?: () => Promise<unknown>;
}

type Postgres = Awaited<ReturnType<typeof startPostgres>>;

/** A real broker and a real database for one scenario. */
export interface Servers {
  readonly kafka: Kafka;
  readonly postgres: Postgres;
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export async function startServers(): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), 'busbar-servers-'));
  // PostgreSQL runs as a user of its own and must reach its folder.
  chmodSync(folder, 0o755);
  const [kafka, postgres] = await Promise.all([
    startKafka(join(folder, 'kafka')),
    startPostgres(join(folder, 'postgres')),
  ]);
  return {
    kafka,
    postgres,
    env: { BUSBAR_BUS: 'kafka', BUSBAR_KAFKA_BROKERS: kafka.brokers, BUSBAR_DATABASE_URL: postgres.url },
    stop: async () => {
      await Promise.all([kafka.stop(), postgres.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const CLUSTER_PROGRAMS = [
  'api',
  'arbiter',
  'collector-1',
  'collector-2',
  'mapper-1',
  'mapper-2',
  'uploader',
  'forwarder',
  'licenser',
] as const;
