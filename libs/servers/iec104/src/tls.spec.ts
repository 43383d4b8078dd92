import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect as connectPlain, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { isBusbarError } from '@busbar/errors';
import { type TestServer, type TestServerOptions, testServerHost } from '@busbar/server-testkit';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Authority, type Issued, makeAuthority } from '../../../../tools/servers/certificates.mjs';
import { type Iec104Config, iec104ConfigSchema } from './config.js';
import server from './server.js';
import { RawMaster } from './test-master.js';

const WAIT = { timeout: 5_000, interval: 5 };
const PEER = fileURLToPath(new URL('../../../../e2e/peers/iec104_reader.py', import.meta.url));
const VENV = fileURLToPath(new URL('../../../../.cache/venv/bin/python', import.meta.url));

let folder: string;
let authority: Authority;
let own: Issued;
let master: Issued;
const servers: TestServer<Iec104Config>[] = [];
const sockets: { destroy(): unknown }[] = [];
/** What is behind each reference. */
let secrets: Record<string, string>;

const pem = (path: string) => readFileSync(path, 'utf8');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-tls-'));
  authority = makeAuthority(join(folder, 'own'), 'utility');
  own = authority.issue('busbar');
  master = authority.issue('dispatch');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((one) => one.close()));
});

const TLS = { tlsCertificate: 'secret:tls/crt', tlsKey: 'secret:tls/key', tlsCa: 'secret:tls/ca' };

async function start(config: object = {}, more: Partial<TestServerOptions> = {}): Promise<TestServer<Iec104Config>> {
  secrets = { 'secret:tls/crt': pem(own.cert), 'secret:tls/key': pem(own.key), 'secret:tls/ca': pem(authority.ca) };
  const host = testServerHost(server, {
    config: { address: '127.0.0.1', port: 0, timezone: 'UTC', ...TLS, ...config },
    secret: (reference) => secrets[reference] ?? '',
    ...more,
  });
  servers.push(host);
  await host.listen();
  host.set({ asset: 'inv-01', point: 'power', value: 42.5 });
  return host;
}

/** Resolves when the handshake is over, or the link. */
async function shakeHands(host: TestServer<Iec104Config>, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ port: host.port, host: '127.0.0.1', ca: pem(authority.ca), ...options });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('secureConnect', resolve).once('close', resolve));
  return socket;
}

const shown = ({ cert, key }: Issued): ConnectionOptions => ({ cert: pem(cert), key: pem(key) });

async function power(one: RawMaster, host: TestServer<Iec104Config>): Promise<number | undefined> {
  return (await one.read(host.entry('inv-01', 'power'))).value;
}

describe('a server with a certificate', () => {
  it('serves a master that shows one of the authority', async () => {
    const host = await start({ tlsSubjects: ['dispatch'] });
    const one = await new RawMaster(await shakeHands(host, shown(master))).start();
    expect(await power(one, host)).toBeCloseTo(42.5);
    expect(host.listening.clients()[0]).toMatchObject({ name: 'ems', address: '127.0.0.1', state: 'started' });
    expect(host.refused).toEqual([]);
  });

  it.each<[string, () => ConnectionOptions, RegExp]>([
    ['none', () => ({}), /shows no certificate/],
    [
      'one of another authority',
      () => shown(makeAuthority(join(folder, 'other')).issue('dispatch')),
      /dispatch is not accepted/,
    ],
    ['one of a name that is not listed', () => shown(authority.issue('visitor')), /visitor is none of tlsSubjects/],
  ])('lets nobody in who shows %s, and says why', async (_what, options, reason) => {
    const host = await start({ tlsSubjects: ['dispatch'] });
    const one = new RawMaster(await shakeHands(host, options()));
    one.control(0x07);
    await one.closed;
    expect(one.isStarted).toBe(false);
    expect(host.refused).toEqual(['tls']);
    expect(host.notices.map(({ code }) => code)).toEqual(['FORWARD_HANDSHAKE']);
    expect(host.notices[0]?.params).toMatchObject({ address: '127.0.0.1', reason: expect.stringMatching(reason) });
    expect(host.listening.clients()).toEqual([]);
  });

  it('lets nobody in whose certificate was revoked', async () => {
    const at = join(folder, 'own');
    const revoked = authority.issue('stolen');
    const settings = '[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=2\n';
    execFileSync('sh', ['-c', `: > index.txt; printf '${settings}' > crl.cnf`], { cwd: at });
    const ca = ['ca', '-config', 'crl.cnf', '-cert', 'ca.crt', '-keyfile', 'ca.key'];
    for (const args of [
      ['-revoke', revoked.cert],
      ['-gencrl', '-out', 'ca.crl'],
    ])
      execFileSync('openssl', [...ca, ...args], { cwd: at, stdio: 'ignore' });
    const host = await start(
      {},
      { secret: (name) => (name === 'secret:tls/crl' ? pem(join(at, 'ca.crl')) : (secrets[name] ?? '')) },
    );
    await host.close();
    await host.listen({ tlsRevoked: 'secret:tls/crl' });
    const one = new RawMaster(await shakeHands(host, shown(revoked)));
    await one.closed;
    expect(host.notices[0]?.params.reason).toContain('CERT_REVOKED');
    const other = await new RawMaster(await shakeHands(host, shown(master))).start();
    expect(await power(other, host)).toBeCloseTo(42.5);
  });

  it('takes neither plain octets nor an older TLS', async () => {
    const host = await start();
    const plain = connectPlain(host.port, '127.0.0.1');
    sockets.push(plain);
    const one = new RawMaster(plain);
    one.control(0x07);
    await one.closed;
    expect(one.isStarted).toBe(false);
    expect(host.notices[0]?.params.reason).toBe('it does not speak TLS');
    const old = await shakeHands(host, {
      ...shown(master),
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    expect(old.authorized).toBe(false);
    await vi.waitFor(() => expect(host.refused).toEqual(['tls', 'tls']), WAIT);
    expect(host.notices[1]?.params.reason).toContain('older TLS');
  });

  it('does not begin a handshake with an address that is not listed', async () => {
    const clients = [{ name: 'ems', addresses: ['127.0.0.9'], group: 'ems', control: true }];
    const host = await start({}, { clients });
    const socket = await shakeHands(host, shown(master));
    expect(socket.authorized).toBe(false);
    expect(host.refused).toEqual(['address']);
    expect(host.notices).toEqual([]);
  });

  it('waits for a handshake no longer than 10 s, and not for more than it has room for', async () => {
    const host = await start({ maxClients: 2 });
    const silent = [0, 1, 2].map(() => new RawMaster(connectPlain(host.port, '127.0.0.1')));
    sockets.push(...silent.map((one) => ({ destroy: () => one.close() })));
    await Promise.race(silent.map(({ closed }) => closed));
    expect(host.refused).toEqual(['limit']);
    await host.time.advance(10_000);
    await Promise.all(silent.map(({ closed }) => closed));
    expect(host.notices.map(({ params }) => params.reason)).toEqual(new Array(2).fill('no handshake within 10 s'));
    await host.close();
    expect(host.time.pendingCount).toBe(0);
  });

  it('survives what is no handshake, and handshakes that break off anywhere', async () => {
    const host = await start();
    const hello: Buffer = await new Promise((resolve) => {
      const ear = createServer((socket) => socket.once('data', (chunk: Buffer) => resolve(chunk)));
      ear.listen(0, '127.0.0.1', () => {
        const socket = connect({ port: (ear.address() as AddressInfo).port, host: '127.0.0.1' });
        sockets.push(socket, { destroy: () => ear.close() });
        socket.on('error', () => undefined);
      });
    });
    const noise = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 300 }), { numRuns: 40, seed: 3 });
    const cut = fc.sample(fc.tuple(fc.nat(hello.length), fc.nat(hello.length - 1), fc.nat(255)), {
      numRuns: 80,
      seed: 4,
    });
    const mutated = cut.map(([length, at, octet]) => {
      const octets = Buffer.from(hello);
      octets[at] = octet;
      return octets.subarray(0, length);
    });
    for (const octets of [...noise, ...mutated, hello]) {
      const socket = connectPlain(host.port, '127.0.0.1');
      socket.on('error', () => undefined);
      await new Promise<void>((resolve) => socket.write(octets, () => resolve()));
      socket.destroy();
    }
    await vi.waitFor(() => expect(host.refused).toHaveLength(noise.length + mutated.length + 1), WAIT);
    const one = await new RawMaster(await shakeHands(host, shown(master))).start();
    expect(await power(one, host)).toBeCloseTo(42.5);
    // And the end in the middle of handshakes.
    for (let n = 0; n < 5; n++)
      connectPlain(host.port, '127.0.0.1')
        .on('error', () => undefined)
        .write(hello);
    await host.close();
    expect(host.time.pendingCount).toBe(0);
  });

  it('lets a master ask for new keys now and then, and not without an end', async () => {
    const host = await start();
    const socket = await shakeHands(host, { ...shown(master), maxVersion: 'TLSv1.2' });
    const one = await new RawMaster(socket).start();
    const renew = () => new Promise<void>((resolve) => socket.renegotiate({}, () => resolve()));
    for (let n = 0; n < 3; n++) {
      await renew();
      expect(await power(one, host)).toBeCloseTo(42.5);
    }
    socket.renegotiate({}, () => undefined);
    await one.closed;
    const next = await new RawMaster(await shakeHands(host, shown(master))).start();
    expect(await power(next, host)).toBeCloseTo(42.5);
  });

  it('uses a renewed certificate from the next handshake on, and drops nobody for it', async () => {
    const host = await start();
    const first = await new RawMaster(await shakeHands(host, shown(master))).start();
    const renewed = authority.issue('busbar-2');
    secrets = { ...secrets, 'secret:tls/crt': pem(renewed.cert), 'secret:tls/key': pem(renewed.key) };
    const second = await shakeHands(host, shown(master));
    expect(second.getPeerCertificate().subject.CN).toBe('busbar-2');
    secrets = { ...secrets, 'secret:tls/key': 'half written' };
    const third = await shakeHands(host, shown(master));
    expect(third.getPeerCertificate().subject.CN).toBe('busbar-2');
    expect(await power(first, host)).toBeCloseTo(42.5);
  });

  it('does not listen with a key of another certificate, and says so', async () => {
    const host = await start();
    await host.close();
    secrets = { ...secrets, 'secret:tls/key': pem(master.key) };
    const error: unknown = await host.listen().catch((reason: unknown) => reason);
    expect(isBusbarError(error, 'FORWARD_TLS')).toBe(true);
  });

  it.each([
    [{ tlsCertificate: TLS.tlsCertificate }],
    [{ tlsCertificate: TLS.tlsCertificate, tlsKey: TLS.tlsKey }],
    [{ tlsSubjects: ['dispatch'] }],
  ])('refuses settings that are not whole: %o', (config) => {
    expect(iec104ConfigSchema.safeParse({ timezone: 'UTC', ...config }).success).toBe(false);
  });

  it('is read through TLS by a foreign master (c104)', async ({ skip }) => {
    const python = [VENV, 'python3'].find((one) => spawnSync(one, ['-c', 'import c104']).status === 0);
    if (!python) return skip('c104 is not installed: no foreign master');
    const host = await start({ tlsSubjects: ['dispatch'] });
    // c104's own TLS gives no host name to its library, which therefore refuses every server: a relay encrypts for it.
    const relay = createServer((plain) => {
      const secure = connect({ port: host.port, host: '127.0.0.1', ca: pem(authority.ca), ...shown(master) });
      sockets.push(plain, secure);
      for (const [from, to] of [
        [plain, secure],
        [secure, plain],
      ] as const) {
        from.on('error', () => undefined);
        from.once('close', () => to.destroy());
        from.pipe(to);
      }
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    const { port } = relay.address() as AddressInfo;
    const child = spawn(python, [PEER, String(port), String(host.entry('inv-01', 'power').address)]);
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk;
    });
    await new Promise((resolve) => child.once('close', resolve));
    relay.close();
    expect(JSON.parse(text)).toEqual({ connected: true, value: 42.5 });
    expect(host.refused).toEqual([]);
  }, 60_000);
});
