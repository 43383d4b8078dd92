import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { KafkaSecurity, KafkaTls } from '@busbar/bus';
import { BusbarError } from '@busbar/errors';
import type { Settings } from './settings.js';

interface Wanted {
  readonly setting: string;
  readonly path: string;
  /** The path itself may be a password, given by mistake. */
  readonly isSecret?: boolean;
}

function read({ setting, path, isSecret = false }: Wanted): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const reason = `the file cannot be read (${(cause as NodeJS.ErrnoException).code})`;
    throw new BusbarError('SETTING_INVALID', { name: setting, value: isSecret ? 'set' : path, reason });
  }
}

/** Node.js takes any text for a certificate authority, and trusts nobody then. */
function readAuthority(path: string): string {
  const setting = 'BUSBAR_KAFKA_CA_FILE';
  const text = read({ setting, path });
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new BusbarError('SETTING_INVALID', { name: setting, value: path, reason: 'there is no PEM certificate in it' });
}

function readPair(
  setting: string,
  files: { readonly cert: string; readonly key: string },
): { cert: string; key: string } {
  const pair = { cert: read({ setting, path: files.cert }), key: read({ setting, path: files.key }) };
  try {
    createSecureContext(pair);
    return pair;
  } catch (cause) {
    const reason = `certificate and key cannot be used together (${(cause as Error).message})`;
    throw new BusbarError('SETTING_INVALID', { name: setting, value: `${files.cert},${files.key}`, reason });
  }
}

/** Certificate and key of the HTTP server, PEM. SETTING_INVALID names the file and what is wrong. */
export function readHttpTls(files: NonNullable<Settings['httpTls']>): { cert: string; key: string } {
  return readPair('BUSBAR_HTTP_TLS', files);
}

function readKafkaTls(files: NonNullable<Settings['kafkaSecurity']['tls']>): KafkaTls {
  const { ca, cert, key } = files;
  return {
    ...(ca ? { ca: readAuthority(ca) } : {}),
    ...(cert && key ? readPair('BUSBAR_KAFKA_CERT_FILE', { cert, key }) : {}),
  };
}

function readPassword(path: string): string {
  const setting = 'BUSBAR_KAFKA_SASL_PASSWORD_FILE';
  const password = read({ setting, path, isSecret: true }).replace(/\r?\n$/, '');
  if (password !== '') return password;
  throw new BusbarError('SETTING_INVALID', { name: setting, value: 'set', reason: 'the file is empty' });
}

/** Reads every file once, so that a wrong one ends the start; the bus reads them again at each connection. */
export function kafkaSecurity(settings: Settings['kafkaSecurity']): KafkaSecurity {
  const { tls, sasl } = settings;
  if (tls) readKafkaTls(tls);
  if (sasl) readPassword(sasl.passwordFile);
  return {
    ...(tls ? { tls: () => readKafkaTls(tls) } : {}),
    ...(sasl
      ? { sasl: { mechanism: sasl.mechanism, user: sasl.user, password: () => readPassword(sasl.passwordFile) } }
      : {}),
  };
}
