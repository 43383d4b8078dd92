import { randomBytes } from 'node:crypto';
import { BusbarError } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import { jwtVerify, SignJWT } from 'jose';
import { isSameSecret } from './admin-key.js';

const CODE_MS = 15 * 60_000;
export const SESSION_MS = 12 * 3_600_000;
export const SESSION_COOKIE = 'busbar-session';

/** Who asks, and until when that holds (epoch ms; null: a key has no end). */
export interface Caller {
  readonly who: string;
  readonly role: string;
  readonly until: number | null;
  /** Names the session or the key in origins of control requests. */
  readonly link: string;
}

/** The two ways in: the admin key for programs, a session that began with the key or the one-time code for people. */
export class Access {
  readonly #adminKey: string;
  readonly #sessionKey: Uint8Array;
  readonly #clock: Clock;
  #code: { readonly text: string; readonly untilMs: number } | null = null;
  /** Signed-out sessions until they end by themselves. */
  readonly #ended = new Map<string, number>();

  constructor(keys: { readonly adminKey: string; readonly sessionKey: string }, clock: Clock) {
    this.#adminKey = keys.adminKey;
    this.#sessionKey = Buffer.from(keys.sessionKey, 'hex');
    this.#clock = clock;
  }

  /** A new code takes the place of an older one. */
  newSetupCode(): string {
    const text = randomBytes(16).toString('base64url');
    this.#code = { text, untilMs: this.#clock.monotonicMs() + CODE_MS };
    return text;
  }

  /** Uses the code up. SETUP_CODE_INVALID when it is not, or no longer, the code. */
  redeemCode(text: string): void {
    const code = this.#code;
    if (!code || this.#clock.monotonicMs() > code.untilMs || !isSameSecret(text, code.text)) {
      throw new BusbarError('SETUP_CODE_INVALID');
    }
    this.#code = null;
  }

  /** UNAUTHORIZED when it is not the admin key. */
  checkKey(key: string): void {
    if (!isSameSecret(key, this.#adminKey)) throw new BusbarError('UNAUTHORIZED');
  }

  async openSession(): Promise<{ readonly token: string; readonly caller: Caller }> {
    const nowMs = this.#clock.wallMs();
    const until = Math.floor((nowMs + SESSION_MS) / 1000) * 1000;
    const id = randomBytes(12).toString('base64url');
    const token = await new SignJWT({ role: 'admin' })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('admin')
      .setJti(id)
      .setIssuedAt(Math.floor(nowMs / 1000))
      .setExpirationTime(until / 1000)
      .sign(this.#sessionKey);
    return { token, caller: { who: 'admin', role: 'admin', until, link: `session:${id}` } };
  }

  async endSession(token: string): Promise<void> {
    const caller = await this.#session(token);
    if (!caller) return;
    const nowMs = this.#clock.wallMs();
    for (const [link, until] of this.#ended) if (until < nowMs) this.#ended.delete(link);
    this.#ended.set(caller.link, caller.until ?? nowMs + SESSION_MS);
  }

  /** Undefined: neither the key nor a session that still holds. */
  async identify(headers: {
    readonly authorization?: string | undefined;
    readonly cookie?: string | undefined;
  }): Promise<Caller | undefined> {
    const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    if (bearer !== undefined) {
      return isSameSecret(bearer, this.#adminKey)
        ? { who: 'admin', role: 'admin', until: null, link: 'key' }
        : undefined;
    }
    const token = sessionToken(headers.cookie);
    return token === undefined ? undefined : this.#session(token);
  }

  async #session(token: string): Promise<Caller | undefined> {
    try {
      const currentDate = new Date(this.#clock.wallMs());
      const { payload } = await jwtVerify(token, this.#sessionKey, { algorithms: ['HS256'], currentDate });
      const { sub, jti, exp, role } = payload;
      if (!sub || !jti || !exp || typeof role !== 'string') return undefined;
      const link = `session:${jti}`;
      return this.#ended.has(link) ? undefined : { who: sub, role, until: exp * 1000, link };
    } catch {
      return undefined;
    }
  }
}

/** The session's token in a Cookie header. */
export function sessionToken(cookie: string | undefined): string | undefined {
  for (const part of cookie?.split(';') ?? []) {
    const [name, value] = part.trim().split('=', 2);
    if (name === SESSION_COOKIE && value) return value;
  }
  return undefined;
}

/** True for a page of this very server, and for programs, which send no origin. */
export function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  try {
    return host !== undefined && new URL(origin).host === host.toLowerCase();
  } catch {
    return false;
  }
}
