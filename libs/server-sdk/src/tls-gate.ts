import type { Socket } from 'node:net';
import { createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { secretField } from '@busbar/sink-sdk';
import { z } from 'zod';
import type { ServerTimers } from './server.js';

/** A handshake that takes longer is given up. */
const HANDSHAKE_MS = 10_000;

const pem = (title: string, description: string, example: string) =>
  secretField().optional().meta({ title, description, secret: true, example, advanced: true });

/** Settings of a server that can be reached by TLS; all or none of the first three. */
export const tlsFields = {
  tlsCertificate: pem(
    'Certificate',
    'Our certificate with its chain, PEM; with it the port takes TLS alone.',
    'secret:dispatch/tls.crt',
  ),
  tlsKey: pem('Key', 'Private key of our certificate, PEM.', 'secret:dispatch/tls.key'),
  tlsCa: pem(
    'Certificate authority',
    'Whose certificates a client may show, PEM; it must show one.',
    'secret:dispatch/ca.crt',
  ),
  tlsRevoked: pem('Revoked certificates', 'Revocation list of that authority, PEM.', 'secret:dispatch/ca.crl'),
  tlsSubjects: z.array(z.string().min(1).max(64)).default([]).meta({
    title: 'Subjects',
    description: 'Common names that a certificate of a client may have; empty: any of that authority.',
    advanced: true,
  }),
};

export interface TlsConfig {
  readonly tlsCertificate?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly tlsCa?: string | undefined;
  readonly tlsRevoked?: string | undefined;
  readonly tlsSubjects?: readonly string[] | undefined;
}

/** For `refine`: neither of them, or all. */
export function isTlsWhole({ tlsCertificate, tlsKey, tlsCa, tlsRevoked, tlsSubjects = [] }: TlsConfig): boolean {
  const given = [tlsCertificate, tlsKey, tlsCa].filter((one) => one !== undefined).length;
  return given === 3 || (given === 0 && tlsRevoked === undefined && tlsSubjects.length === 0);
}

export const TLS_WHOLE = { path: ['tlsKey'], message: 'expected tlsCertificate, tlsKey and tlsCa together' };

export interface TlsGateParts {
  readonly config: TlsConfig;
  secret(reference: string): Promise<string>;
  /** A renewed secret cannot be used: the one of before goes on. */
  stale(error: unknown): void;
  readonly timers: ServerTimers;
}

interface Material {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  readonly crl?: string;
}

/** Mutual TLS before the protocol (IEC 62351-3): who shows no certificate of the authority never gets to it. */
export class TlsGate {
  readonly #parts: TlsGateParts;
  #material: Material | null = null;

  constructor(parts: TlsGateParts) {
    this.#parts = parts;
  }

  /** Throws what is wrong with our own certificate, key or authority. */
  async load(): Promise<void> {
    const { tlsCertificate = '', tlsKey = '', tlsCa = '', tlsRevoked } = this.#parts.config;
    const read = (reference: string) => this.#parts.secret(reference);
    const [cert, key, ca] = await Promise.all([tlsCertificate, tlsKey, tlsCa].map(read));
    const crl = tlsRevoked === undefined ? {} : { crl: await read(tlsRevoked) };
    const material: Material = { cert: cert as string, key: key as string, ca: ca as string, ...crl };
    createSecureContext(material);
    this.#material = material;
  }

  /**
   * One handshake, with the certificate of this moment. Exactly one of the two is called; after `refused` the socket
   * goes by itself.
   */
  async take(socket: Socket, done: { opened(secure: TLSSocket): void; refused(reason: string): void }): Promise<void> {
    const { timers } = this.#parts;
    let isOver = false;
    const isFirst = () => {
      timers.clearTimeout(timer);
      const was = isOver;
      isOver = true;
      return !was;
    };
    const refused = (reason: string) => {
      if (isFirst()) done.refused(reason);
    };
    const timer = timers.setTimeout(() => {
      refused(`no handshake within ${HANDSHAKE_MS / 1_000} s`);
      socket.destroy();
    }, HANDSHAKE_MS);
    socket.once('close', () => refused('it broke the handshake off'));
    // A certificate that was renewed holds from the next handshake on.
    await this.load().catch((error: unknown) => this.#parts.stale(error));
    if (!this.#material || isOver) return;
    const server = createServer({
      ...this.#material,
      requestCert: true,
      // Judged below: Node's own refusal does not say why.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
    });
    // Within these two the socket below must not be destroyed: OpenSSL is still in it, and the process would fall.
    server.once('tlsClientError', (error: NodeJS.ErrnoException, secure: TLSSocket) => {
      refused(reasonOf(error));
      secure.destroy();
    });
    server.once('secureConnection', (secure: TLSSocket) => {
      const reason = this.#refusal(secure);
      if (reason === null) {
        if (isFirst()) done.opened(secure);
        return;
      }
      secure.on('error', () => undefined);
      refused(reason);
      secure.destroy();
    });
    server.emit('connection', socket);
  }

  #refusal(secure: TLSSocket): string | null {
    const { subject } = secure.getPeerCertificate();
    if (subject === undefined) return 'it shows no certificate';
    const name = [subject.CN].flat().join(', ');
    if (!secure.authorized) return `its certificate ${name} is not accepted: ${secure.authorizationError ?? 'unknown'}`;
    const { tlsSubjects = [] } = this.#parts.config;
    if (tlsSubjects.length === 0 || tlsSubjects.includes(name)) return null;
    return `its certificate ${name} is none of tlsSubjects`;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNRESET: 'it broke the handshake off',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_HTTP_REQUEST: 'it does not speak TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it speaks an older TLS than 1.2',
};

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  return REASONS[code ?? ''] ?? code ?? message;
}
