import type { Server } from 'node:https';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { failureText } from './failure.js';
import type { ProcessKit } from './process.js';
import { readHttpTls } from './secure-files.js';

const BODY_BYTES = 1_048_576;
/** A certificate that was replaced is served so long after at the latest. */
const RENEW_MS = 60_000;

export interface HttpServer {
  readonly adapter: FastifyAdapter;
  readonly scheme: 'http' | 'https';
  stop(): void;
}

type RenewingKit = Pick<ProcessKit, 'settings' | 'log'>;

/** The server of a service, not listening yet. SETTING_INVALID when its certificate cannot be used. */
export function openHttp({ settings, log }: RenewingKit, renewMs = RENEW_MS): HttpServer {
  const files = settings.httpTls;
  if (!files) return { adapter: new FastifyAdapter({ bodyLimit: BODY_BYTES }), scheme: 'http', stop: () => undefined };
  let served = readHttpTls(files);
  let told = '';
  const adapter = new FastifyAdapter({ bodyLimit: BODY_BYTES, https: { ...served, minVersion: 'TLSv1.2' } });
  const renew = () => {
    try {
      const found = readHttpTls(files);
      told = '';
      if (found.cert === served.cert && found.key === served.key) return;
      (adapter.getHttpServer() as unknown as Server).setSecureContext({ ...found, minVersion: 'TLSv1.2' });
      served = found;
      log.info({ certificate: files.cert }, 'a new certificate is served');
    } catch (error) {
      // The one that is served stays: while files are being replaced they need not fit.
      const reason = failureText(error);
      if (reason !== told) log.warn({ reason }, 'the new certificate cannot be used');
      told = reason;
    }
  };
  const timer = setInterval(renew, renewMs);
  timer.unref();
  return { adapter, scheme: 'https', stop: () => clearInterval(timer) };
}
