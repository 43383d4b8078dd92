import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { DriverFaultError } from '@busbar/driver-sdk';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, type Issued, makeAuthority } from '../../../../tools/servers/certificates.mjs';
import { StationLink } from '../simulator/station-link.js';
import { Iec104Client } from './client.js';
import { connectionSchema } from './connection.js';

let folder: string;
let authority: Authority;
let stranger: Authority;
let own: Issued;
let stationCertificate: Issued;
const servers: Server[] = [];
const sockets: TLSSocket[] = [];

const pem = (path: string) => readFileSync(path, 'utf8');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-tls-'));
  authority = makeAuthority(join(folder, 'own'), 'utility');
  stranger = makeAuthority(join(folder, 'other'), 'stranger');
  own = authority.issue('busbar');
  stationCertificate = authority.issue('station');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** A station behind mutual TLS; its port. */
async function station(): Promise<number> {
  const material = { cert: pem(stationCertificate.cert), key: pem(stationCertificate.key), ca: pem(authority.ca) };
  const server = createServer({ ...material, requestCert: true, rejectUnauthorized: true }, (socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
    new StationLink(socket, () => {});
  });
  server.on('tlsClientError', () => {});
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const FULL = { tlsCa: 'secret:s/ca', tlsCertificate: 'secret:s/crt', tlsKey: 'secret:s/key' };

/** What becomes of a connection: `open`, or the reason. */
async function attempt(more: object, secrets: Readonly<Record<string, string>> = {}): Promise<string> {
  const known: Readonly<Record<string, string>> = {
    'secret:s/ca': pem(authority.ca),
    'secret:s/crt': pem(own.cert),
    'secret:s/key': pem(own.key),
    ...secrets,
  };
  const connection = connectionSchema.parse({
    host: '127.0.0.1',
    port: await station(),
    t0: '5s',
    t1: '3s',
    t2: '1s',
    ...more,
  });
  const context = {
    connection,
    readOnly: true,
    clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
    log: { debug() {}, warn() {} },
    frame() {},
    secret: async (reference: string) => known[reference] ?? '',
  };
  try {
    const client = await Iec104Client.connect(context, new AbortController().signal);
    await client.close();
    return 'open';
  } catch (error) {
    const fault = (error as DriverFaultError).fault;
    return `${fault.kind}: ${'reason' in fault ? fault.reason : ''}`;
  }
}

describe('TLS', () => {
  it('opens with both certificates of the authority', async () => {
    expect(await attempt({ ...FULL, tlsSubject: 'localhost' })).toBe('open');
    expect(await attempt(FULL)).toBe('open');
  });

  it('does not talk to a station of another authority, nor to one with another name', async () => {
    const other = { 'secret:s/ca': pem(stranger.ca) };
    expect(await attempt({ ...FULL }, other)).toMatch(/^connection-lost: .*certificate/);
    expect(await attempt({ ...FULL, tlsSubject: 'elsewhere' })).toMatch(/^connection-lost: .*altnames/);
  });

  it('is not let in without a certificate of its own', async () => {
    expect(await attempt({ tlsCa: 'secret:s/ca' })).toMatch(/^connection-lost/);
  });

  it('says when its own certificate cannot be used', async () => {
    expect(await attempt(FULL, { 'secret:s/key': 'nonsense' })).toMatch(/^invalid-config/);
  });

  it.each([
    [{ tlsKey: 'secret:s/key' }, 'tlsKey'],
    [{ tlsSubject: 'station' }, 'tlsCa'],
    [{ tlsCa: 'no reference' }, 'tlsCa'],
    [{ t1: '1s', t2: '2s' }, 't2'],
    [{ secondPort: 2404 }, 'secondHost'],
    [{ causeOctets: 1, originator: 3 }, 'originator'],
  ])('and its settings are whole: %o is refused', (more, field) => {
    const result = connectionSchema.safeParse({ host: 'station', ...more });
    expect(result.error?.issues[0]?.path).toEqual([field]);
  });
});
