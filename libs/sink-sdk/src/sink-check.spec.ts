import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { durationField, mqttUrlField, secretField } from './config-fields.js';
import { fillPlaceholders, placeholdersOf } from './placeholders.js';
import { type AnySink, defineSink } from './sink.js';
import { sinkCheck } from './sink-check.js';

const sink = defineSink({
  id: 'test',
  version: '1.0.0',
  title: 'Test',
  summary: 'A sink.',
  stability: 'experimental',
  config: z.strictObject({
    url: mqttUrlField().meta({ title: 'Address', description: 'Where it is.', example: 'mqtt://a:1883' }),
    pause: durationField({ minMs: 10, maxMs: 1_000 }).default(20).meta({ title: 'Pause', description: 'Between.' }),
    tls: z
      .strictObject({ key: secretField().meta({ title: 'Key', description: 'Private key.', secret: true }) })
      .optional()
      .meta({ title: 'TLS', description: 'Certificates.' }),
    token: secretField().optional().meta({ title: 'Token', description: 'Secret token.', secret: true }),
  }),
  identity: z.strictObject({}),
  connect: async () => null,
  close: async () => {},
  send: async () => [],
});
const check = sinkCheck(sink as unknown as AnySink);

describe('the check of a sink for packages', () => {
  it('fills in defaults and turns durations into milliseconds', () => {
    expect(check.config.parse({ url: 'mqtt://a', pause: '1s' })).toEqual({ value: { url: 'mqtt://a', pause: 1_000 } });
    expect(check.config.parse({ url: 'mqtt://a' })).toEqual({ value: { url: 'mqtt://a', pause: 20 } });
  });

  it('accepts its own result again', () => {
    const value = { url: 'mqtt://a', pause: 1_000 };
    expect(check.config.parse(value)).toEqual({ value });
  });

  it('says of each problem where it is, what it is and what to do', () => {
    expect(check.config.parse({ url: 'http://a', pause: '1h', color: 'red' })).toEqual({
      problems: [
        { path: ['url'], reason: 'expected mqtt://host:port', fix: 'Where it is. Example: mqtt://a:1883' },
        { path: ['pause'], reason: 'expected a duration from 10 ms to 1000 ms, for example 30s', fix: 'Between.' },
        { path: ['color'], reason: 'there is no such field', fix: 'Fields are: url, pause, tls, token.' },
      ],
    });
    const identity = check.identity.parse({ deviceKey: 'x' });
    expect('problems' in identity && identity.problems[0]?.fix).toBe('It takes no fields.');
  });

  it('names the fields that hold secrets, also below others', () => {
    expect(check.config.secrets).toEqual(['tls.key', 'token']);
  });

  it('takes only references as secrets', () => {
    for (const good of ['secret:a', 'secret:enos/edge', 'secret:enos/$asset']) {
      expect(secretField().safeParse(good).success, good).toBe(true);
    }
    for (const wrong of ['a', 'secret:', 'secret:/etc/passwd', 'secret:a//b', 'secret:a b']) {
      expect(secretField().safeParse(wrong).success, wrong).toBe(false);
    }
  });
});

describe('placeholders', () => {
  it('are filled where they are known and stay where they are not', () => {
    expect(fillPlaceholders('a/$site/$asset/$other', { site: 's', asset: '$site' })).toBe('a/s/$site/$other');
    expect(placeholdersOf('a/$site-$asset')).toEqual(['site', 'asset']);
  });
});
