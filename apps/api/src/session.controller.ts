import { type SessionView, sessionAskSchema } from '@busbar/api-schema';
import { SETTINGS, type Settings } from '@busbar/service-kit';
import { Body, Delete, Get, Headers, HttpCode, Inject, Post, Res } from '@nestjs/common';
import { Access, type Caller, SESSION_COOKIE, SESSION_MS, sessionToken } from './access.js';
import { ApiController, CallerOf } from './api.controller.js';
import { checked } from './api-error.js';

interface Reply {
  header(name: string, value: string): unknown;
}

/** Over HTTPS the cookie never goes over plain HTTP, also when a proxy in front ends the TLS (RFC 6265 §5.2.5). */
function cookie(value: string, seconds: number, isSecure: boolean): string {
  return `${SESSION_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${isSecure ? '; Secure' : ''}`;
}

function viewOf({ who, role, until }: Caller): SessionView {
  return { who, role, until: until ?? Number.MAX_SAFE_INTEGER };
}

/** Signing in and out. */
@ApiController('session')
export class SessionController {
  constructor(
    private readonly access: Access,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Post()
  @HttpCode(200)
  async open(
    @Body() body: unknown,
    @Headers('x-forwarded-proto') scheme: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<SessionView> {
    const ask = checked(sessionAskSchema, body);
    if ('code' in ask) this.access.redeemCode(ask.code);
    else this.access.checkKey(ask.key);
    const { token, caller } = await this.access.openSession();
    reply.header('set-cookie', cookie(token, SESSION_MS / 1000, this.#isSecure(scheme)));
    return viewOf(caller);
  }

  @Get()
  show(@CallerOf() caller: Caller): SessionView {
    return viewOf(caller);
  }

  @Delete()
  @HttpCode(204)
  async close(
    @Headers('cookie') cookies: string | undefined,
    @Headers('x-forwarded-proto') scheme: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<void> {
    const token = sessionToken(cookies);
    if (token !== undefined) await this.access.endSession(token);
    reply.header('set-cookie', cookie('', 0, this.#isSecure(scheme)));
  }

  #isSecure(forwarded: string | undefined): boolean {
    return this.settings.httpTls !== undefined || forwarded === 'https';
  }
}
