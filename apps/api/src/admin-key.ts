import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { BusbarError } from '@busbar/errors';

const KEY = /^[0-9a-f]{64}$/;

function create(path: string): string {
  const key = randomBytes(32).toString('hex');
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, `${key}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  // The umask may have taken bits away, never added any; a mounted Secret is left as it is.
  chmodSync(path, 0o600);
  return key;
}

/** 32 random octets in hex, made with mode 0600 if the file is missing; SETTING_INVALID if it holds anything else. */
export function readKeyFile(path: string, setting: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return create(path);
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new BusbarError('SETTING_INVALID', { name: setting, value: path, reason }, { cause: error });
  }
  if (!KEY.test(text)) {
    throw new BusbarError('SETTING_INVALID', { name: setting, value: path, reason: 'it holds no 64 hex digits' });
  }
  return text;
}

/** In a time that does not tell how much of it was right. */
export function isSameSecret(given: string, secret: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(secret));
}
