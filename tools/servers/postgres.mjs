// A real PostgreSQL: given by URL, else by Docker, else the local server program.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Plain, run } from '../prepare.mjs';
import { freePort, hasDocker, spawned, untilAnswers } from './spawned.mjs';

const DEBIAN = '/usr/lib/postgresql';

function localPrograms() {
  const onPath = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' });
  const folders = onPath.status === 0 ? [onPath.stdout.trim()] : [];
  if (existsSync(DEBIAN)) {
    const versions = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a));
    folders.push(...versions.map((version) => join(DEBIAN, version, 'bin')));
  }
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

/** PostgreSQL refuses to run as root: there it runs as the user that its package made. */
function unprivileged() {
  if (process.getuid?.() !== 0) return {};
  const id = (flag) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  const [uid, gid] = [id('-u'), id('-g')];
  if (!uid || !gid)
    throw new Plain('PostgreSQL does not run as root and there is no user postgres: install its package.');
  return { uid, gid };
}

/** Arguments for a server that speaks TLS; the files must be its own, and the key nobody else's. */
function tlsArguments(folder, { cert, key }, user) {
  const place = (path, name) => {
    const own = join(folder, name);
    copyFileSync(path, own);
    chmodSync(own, 0o600);
    if (user.uid) chownSync(own, user.uid, user.gid);
    return own;
  };
  const files = { ssl_cert_file: place(cert, 'server.crt'), ssl_key_file: place(key, 'server.key') };
  return ['-c', 'ssl=on', ...Object.entries(files).flatMap(([name, path]) => ['-c', `${name}=${path}`])];
}

async function local(bin, folder, tls) {
  const user = unprivileged();
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  if (user.uid) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const made = spawnSync(join(bin, 'initdb'), ['-D', data, '-U', 'busbar', '-A', 'trust', '-E', 'UTF8', '--no-sync'], {
    ...user,
    cwd: folder,
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Plain(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const log = join(folder, 'postgres.log');
  const options = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder];
  if (tls) options.push(...tlsArguments(folder, tls, user));
  const server = await spawned({
    name: 'PostgreSQL',
    command: join(bin, 'postgres'),
    args: options,
    cwd: folder,
    log,
    port,
    ...user,
  });
  const version = spawnSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' }).stdout.trim();
  return { what: version, url: `postgres://busbar@127.0.0.1:${port}/postgres`, stop: server.stop };
}

async function fromDocker() {
  const port = await freePort();
  const args = ['run', '-d', '-p', `127.0.0.1:${port}:5432`, '-e', 'POSTGRES_HOST_AUTH_METHOD=trust', 'postgres:15'];
  const id = (await run('docker', args)).trim().split('\n').pop();
  await untilAnswers(port, { name: 'PostgreSQL in Docker', log: `docker logs ${id}` });
  return {
    what: 'postgres:15 in Docker',
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    stop: () => run('docker', ['rm', '-f', id]),
  };
}

export async function startPostgres(folder) {
  const url = process.env.BUSBAR_DATABASE_URL;
  if (url) return { what: 'PostgreSQL given by URL', url, stop: async () => undefined };
  if (hasDocker()) return fromDocker();
  const bin = localPrograms();
  if (bin) return local(bin, folder);
  throw new Plain('No PostgreSQL: give BUSBAR_DATABASE_URL, or start Docker, or install the server (postgresql).');
}

/** One that speaks TLS with this certificate (paths of PEM files); null where the server program is not installed. */
export async function startTlsPostgres(folder, tls) {
  const bin = localPrograms();
  return bin ? local(bin, folder, tls) : null;
}
