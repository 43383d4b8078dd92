import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isBusbarError } from '@busbar/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority } from '../../../tools/servers/certificates.mjs';
import { kafkaSecurity } from './secure-files.js';

let folder: string;
let ca: string;
let own: { readonly cert: string; readonly key: string };
let other: { readonly cert: string; readonly key: string };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-secure-'));
  const authority = makeAuthority(folder);
  ca = authority.ca;
  own = authority.issue('own');
  other = authority.issue('other');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function refusal(settings: Parameters<typeof kafkaSecurity>[0]): string {
  try {
    kafkaSecurity(settings);
  } catch (error) {
    if (isBusbarError(error, 'SETTING_INVALID')) return error.message;
    throw error;
  }
  return 'accepted';
}

function scram(passwordFile: string) {
  return { sasl: { mechanism: 'scram-sha-512', user: 'busbar', passwordFile } } as const;
}

describe('files that secure the connections to Kafka', () => {
  it('are read anew at each connection', () => {
    const passwordFile = file('password', 'first\n');
    const authority = file('authority.crt', '-----BEGIN CERTIFICATE-----\nfirst');
    const { tls, sasl } = kafkaSecurity({ tls: { ca: authority }, ...scram(passwordFile) });
    expect([tls?.().ca, sasl?.password()]).toEqual(['-----BEGIN CERTIFICATE-----\nfirst', 'first']);
    file('password', 'second');
    file('authority.crt', '-----BEGIN CERTIFICATE-----\nsecond');
    expect([tls?.().ca, sasl?.password()]).toEqual(['-----BEGIN CERTIFICATE-----\nsecond', 'second']);
  });

  it('are none without settings, and without an authority those that Node.js knows are trusted', () => {
    expect(kafkaSecurity({})).toEqual({});
    expect(kafkaSecurity({ tls: {} }).tls?.()).toEqual({});
  });

  it('end the start when they cannot be read or used, each by the name of its setting', () => {
    const gone = join(folder, 'gone');
    expect(refusal({ tls: { ca: gone } })).toMatch(/^Setting BUSBAR_KAFKA_CA_FILE is .*gone: .*ENOENT/);
    expect(refusal({ tls: { ca: file('text', 'hello') } })).toContain('BUSBAR_KAFKA_CA_FILE');
    expect(refusal({ tls: { ca, cert: own.cert, key: other.key } })).toContain('BUSBAR_KAFKA_CERT_FILE');
    expect(refusal({ tls: { ca, cert: gone, key: own.key } })).toContain('BUSBAR_KAFKA_CERT_FILE');
    expect(refusal({ tls: { ca, cert: own.cert, key: own.key } })).toBe('accepted');
    expect(refusal(scram(file('empty', '\n')))).toContain('BUSBAR_KAFKA_SASL_PASSWORD_FILE');
    expect(refusal(scram(gone))).toContain('BUSBAR_KAFKA_SASL_PASSWORD_FILE');
  });

  it('never show what was given as the file of the password: it may be the password', () => {
    expect(refusal(scram('hunter2'))).not.toContain('hunter2');
  });
});
