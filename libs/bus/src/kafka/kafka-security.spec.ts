import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer as createPlainServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server, type TlsOptions } from 'node:tls';
import type { Mechanism } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, makeAuthority } from '../../../../tools/servers/certificates.mjs';
import { probeBrokers } from './broker-probe.js';
import { type KafkaSasl, type KafkaTls, secured } from './kafka-security.js';

let folder: string;
let authority: Authority;
let stranger: Authority;
const servers: { close(): unknown }[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-kafka-tls-'));
  authority = makeAuthority(join(folder, 'a'));
  stranger = makeAuthority(join(folder, 'b'), 'stranger');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const pem = (path: string) => readFileSync(path, 'utf8');

/** A TLS server that says one thing to everybody. */
async function serve(options: TlsOptions): Promise<number> {
  const server: Server = createServer(options, (socket) => socket.end('\0hello'));
  server.on('tlsClientError', () => undefined);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function serverOf(issuer: Authority, hosts = ['localhost']): TlsOptions {
  const { cert, key } = issuer.issue(`broker-${hosts[0]}`, hosts);
  return { cert: pem(cert), key: pem(key) };
}

/** What the client is told of the broker at that port, or that nothing was told before the connection ended. */
function admissionOf(port: number, tls: () => KafkaTls, host = 'localhost'): Promise<string> {
  return new Promise((resolve) => {
    const admission = {
      letIn: (broker: string) => resolve(`let in by ${broker.split(':')[0]}`),
      turnedAway: (_broker: string, reason: string) => resolve(`turned away: ${reason}`),
    };
    const { socketFactory } = secured({ tls }, admission);
    try {
      const socket = socketFactory?.({ host, port, ssl: {}, onConnect: () => undefined });
      socket?.on('close', () => resolve('nothing'));
    } catch {
      // Told already.
    }
  });
}

describe('TLS to a broker', () => {
  it('is let in by one whose certificate the authority signed, for its name', async () => {
    const port = await serve(serverOf(authority));
    expect(await admissionOf(port, () => ({ ca: pem(authority.ca) }))).toBe('let in by localhost');
  });

  it('does not talk to one of another authority, nor of another name', async () => {
    const ca = () => ({ ca: pem(authority.ca) });
    expect(await admissionOf(await serve(serverOf(stranger)), ca)).toMatch(/^turned away: /);
    const port = await serve(serverOf(authority, ['other.example']));
    expect(await admissionOf(port, ca)).toMatch(/^turned away: .*altnames/);
  });

  it('shows the certificate of the client, and is not let in with a wrong one or none', async () => {
    const demanding = { ...serverOf(authority), ca: pem(authority.ca), requestCert: true, rejectUnauthorized: true };
    const port = await serve(demanding);
    const showing = (issuer: Authority) => () => {
      const { cert, key } = issuer.issue('client');
      return { ca: pem(authority.ca), cert: pem(cert), key: pem(key) };
    };
    expect(await admissionOf(port, showing(authority))).toBe('let in by localhost');
    // Node.js' server sends no alert about a wrong one: it ends the connection.
    expect(await admissionOf(port, showing(stranger))).toBe('nothing');
    const none = await admissionOf(port, () => ({ ca: pem(authority.ca) }));
    expect(none).toMatch(/^turned away: .*certificate required$/);
  });

  it('reads what it needs anew at each connection, and says when it cannot', async () => {
    const port = await serve(serverOf(authority));
    const answers = [pem(stranger.ca), pem(authority.ca)];
    const tls = () => {
      const ca = answers.shift();
      if (!ca) throw new Error('the file is gone');
      return { ca };
    };
    expect(await admissionOf(port, tls)).toMatch(/^turned away: /);
    expect(await admissionOf(port, tls)).toBe('let in by localhost');
    expect(await admissionOf(port, tls)).toBe('turned away: the file is gone');
  });

  it('is no matter of admission when the connection breaks', async () => {
    const server = createPlainServer((socket) => socket.destroy());
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = (server.address() as AddressInfo).port;
    expect(await admissionOf(port, () => ({ ca: pem(authority.ca) }))).toBe('nothing');
  });

  it('is what a probe asks for: an open port without it is not a broker that can be used', async () => {
    const tls = () => ({ ca: pem(authority.ca) });
    expect(await probeBrokers([`localhost:${await serve(serverOf(authority))}`], tls)).toBe('open');
    expect(await probeBrokers([`localhost:${await serve(serverOf(stranger))}`], tls)).toBe('silent');
    const gone = () => {
      throw new Error('the file is gone');
    };
    expect(await probeBrokers(['localhost:1'], gone)).toBe('silent');
  });
});

describe('a user at a broker', () => {
  const log = { debug: () => undefined, error: () => undefined } as never;

  async function outcome(sasl: Partial<KafkaSasl>, answer: () => Promise<void>): Promise<readonly string[]> {
    const told: string[] = [];
    const admission = {
      letIn: (broker: string) => told.push(`let in by ${broker}`),
      turnedAway: (broker: string, reason: string) => told.push(`turned away by ${broker}: ${reason}`),
    };
    const whole: KafkaSasl = { mechanism: 'plain', user: 'busbar', password: () => 'hunter2', ...sasl };
    const mechanism = secured({ sasl: whole }, admission).sasl as Mechanism;
    expect(mechanism.mechanism).toBe(whole.mechanism);
    const args = { host: 'b', port: 9, logger: log, saslAuthenticate: answer };
    await mechanism
      .authenticationProvider(args)
      .authenticate()
      .catch((error: Error & { retriable?: boolean }) => told.push(`${error.name}, tried again: ${error.retriable}`));
    expect(told.join()).not.toContain('hunter2');
    return told;
  }

  it('is let in with the right password', async () => {
    expect(await outcome({}, async () => undefined)).toEqual(['let in by b:9']);
  });

  it('is tried again when the broker says no, and it is told', async () => {
    const no = Object.assign(new Error('invalid credentials'), { type: 'SASL_AUTHENTICATION_FAILED' });
    expect(await outcome({}, () => Promise.reject(no))).toEqual([
      'turned away by b:9: SASL PLAIN authentication failed: invalid credentials',
      'KafkaJSConnectionError, tried again: true',
    ]);
  });

  it('is tried again without a word when the connection ends meanwhile', async () => {
    expect(await outcome({}, () => Promise.reject(new Error('Closed connection')))).toEqual([
      'KafkaJSConnectionError, tried again: true',
    ]);
  });

  it('cannot come without the file of its password', async () => {
    const password = () => {
      throw new Error('no file');
    };
    expect(await outcome({ password }, async () => undefined)).toContain('turned away by b:9: no file');
  });
});
