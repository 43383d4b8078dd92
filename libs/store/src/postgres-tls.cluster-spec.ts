import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, makeAuthority } from '../../../tools/servers/certificates.mjs';
import { type Postgres, startTlsPostgres } from '../../../tools/servers/postgres.mjs';
import { PostgresDatabase } from './postgres-database.js';

const log = { info: () => undefined, warn: () => undefined };
let folder: string;
let authority: Authority;
let server: Postgres | null;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-postgres-tls-'));
  chmodSync(folder, 0o755);
  authority = makeAuthority(join(folder, 'tls'));
  server = await startTlsPostgres(join(folder, 'server'), authority.issue('database', ['localhost']));
  if (!server) process.stdout.write('Left out for want of a PostgreSQL server program: TLS\n');
}, 60_000);

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Whether the connection of the store is encrypted, or why it cannot be opened. */
async function outcome(host: string, query: Record<string, string>): Promise<unknown> {
  const url = new URL(server?.url ?? '');
  url.hostname = host;
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  try {
    const database = await PostgresDatabase.open(url.href, log);
    const ask = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';
    const [row] = await database.use((source) => source.query<{ ssl: boolean }[]>(ask));
    await database.close();
    return row?.ssl;
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as Error).message}`;
  }
}

describe('a PostgreSQL server with TLS', () => {
  it('is used encrypted with an authority of its own, and as it is asked for without', async () => {
    if (!server) return;
    expect(await outcome('localhost', { sslmode: 'verify-full', sslrootcert: authority.ca })).toBe(true);
    expect(await outcome('localhost', { sslmode: 'no-verify' })).toBe(true);
    expect(await outcome('localhost', {})).toBe(false);
  });

  it('is away, with the reason, when its certificate is not trusted or of another name', async () => {
    if (!server) return;
    const stranger = makeAuthority(join(folder, 'stranger'), 'stranger');
    const untrusted = await outcome('localhost', { sslmode: 'verify-full', sslrootcert: stranger.ca });
    expect(untrusted).toMatch(/^STORE_UNREACHABLE: .*certificate/);
    const misnamed = await outcome('127.0.0.1', { sslmode: 'verify-full', sslrootcert: authority.ca });
    expect(misnamed).toMatch(/^STORE_UNREACHABLE: .*altnames/);
  });

  it('is away while the file of the authority cannot be read', async () => {
    if (!server) return;
    const gone = join(folder, 'gone.crt');
    const answer = await outcome('localhost', { sslmode: 'verify-full', sslrootcert: gone });
    expect(answer).toMatch(/^STORE_UNREACHABLE: .*gone\.crt/);
  });
});
