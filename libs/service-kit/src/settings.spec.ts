import { resolve } from 'node:path';
import { isBusbarError } from '@busbar/errors';
import { describe, expect, it } from 'vitest';
import { formatHostPort, readSettings, type Settings, settingsHelp } from './settings.js';

function refusal(env: Record<string, string>): string {
  try {
    readSettings(env);
  } catch (error) {
    if (isBusbarError(error, 'SETTING_INVALID')) return error.message;
    throw error;
  }
  return 'accepted';
}

/** Good: value and the part of the settings that it gives. Bad: what must be refused. */
const EACH: Record<string, { good: [string, Partial<Settings>][]; bad: string[] }> = {
  BUSBAR_DATA: {
    good: [
      ['/var/busbar', { data: '/var/busbar', secrets: '/var/busbar/secrets', adminKeyFile: '/var/busbar/admin.key' }],
    ],
    bad: [],
  },
  BUSBAR_PACKAGE: { good: [['site', { package: resolve('site') }]], bad: [] },
  BUSBAR_HTTP: {
    good: [
      ['0.0.0.0:0', { http: { host: '0.0.0.0', port: 0 } }],
      ['[::1]:8080', { http: { host: '::1', port: 8080 } }],
      ['edge-1.site:65535', { http: { host: 'edge-1.site', port: 65535 } }],
    ],
    bad: ['8080', ':8080', 'localhost', 'localhost:', 'localhost:65536', '::1:8080', 'http://localhost:8080', 'a b:1'],
  },
  BUSBAR_HTTP_TLS: {
    good: [
      ['/run/tls', { httpTls: { cert: '/run/tls/tls.crt', key: '/run/tls/tls.key' } }],
      ['/a/cert.pem,/b/key.pem', { httpTls: { cert: '/a/cert.pem', key: '/b/key.pem' } }],
    ],
    bad: [',', 'cert.pem,', ',key.pem', 'a,b,c'],
  },
  BUSBAR_BUS: { good: [['embedded', { bus: 'embedded' }]], bad: ['nats', 'KAFKA'] },
  BUSBAR_KAFKA_BROKERS: {
    good: [['a:9092,b:9093', { kafkaBrokers: ['a:9092', 'b:9093'] }]],
    bad: ['a', 'a:9092;b:9092', 'a:9092, b:9092'],
  },
  BUSBAR_KAFKA_TLS: {
    good: [
      ['true', { kafkaSecurity: { tls: {} } }],
      ['false', { kafkaSecurity: { tls: undefined } }],
    ],
    bad: ['tls', 'yes'],
  },
  // What each of these needs besides is tried below.
  BUSBAR_KAFKA_CA_FILE: { good: [], bad: ['/run/ca.crt'] },
  BUSBAR_KAFKA_CERT_FILE: { good: [], bad: ['/run/tls.crt'] },
  BUSBAR_KAFKA_KEY_FILE: { good: [], bad: ['/run/tls.key'] },
  BUSBAR_KAFKA_SASL_MECHANISM: { good: [], bad: ['PLAIN', 'oauthbearer', 'plain'] },
  BUSBAR_KAFKA_SASL_USER: { good: [], bad: ['busbar'] },
  BUSBAR_KAFKA_SASL_PASSWORD_FILE: { good: [], bad: ['/run/password'] },
  BUSBAR_KAFKA_REPLICATION_FACTOR: {
    good: [
      ['1', { kafkaReplication: { factor: 1, minInSync: undefined } }],
      ['3', { kafkaReplication: { factor: 3, minInSync: 2 } }],
    ],
    bad: ['0', '10', '-1', '1.5', 'three'],
  },
  BUSBAR_KAFKA_MIN_INSYNC_REPLICAS: {
    good: [['2', { kafkaReplication: { factor: undefined, minInSync: 2 } }]],
    bad: ['0', 'two'],
  },
  BUSBAR_DATABASE_URL: {
    good: [
      ['postgres://u:p@h:5432/d', { databaseUrl: 'postgres://u:p@h:5432/d' }],
      ['postgresql://u:p@h/d', { databaseUrl: 'postgresql://u:p@h/d' }],
    ],
    bad: ['mysql://u:p@h/d', 'h:5432'],
  },
  BUSBAR_SECRETS: { good: [['/run/secrets', { secrets: '/run/secrets' }]], bad: [] },
  BUSBAR_ADMIN_KEY_FILE: { good: [['/run/admin.key', { adminKeyFile: '/run/admin.key' }]], bad: [] },
  BUSBAR_LICENSE: { good: [['/run/site.license', { license: '/run/site.license' }]], bad: [] },
  BUSBAR_LICENSE_KEYS: { good: [['/run/keys.json', { licenseKeys: '/run/keys.json' }]], bad: [] },
  BUSBAR_WORKLOAD: { good: [['modbus-1', { workload: 'modbus-1' }]], bad: ['Modbus', '1st', 'a.b', 'a'.repeat(64)] },
  BUSBAR_POD: { good: [['site-forwarder-0', { pod: 'site-forwarder-0' }]], bad: [] },
  BUSBAR_CLOUD_DEVICES: { good: [['/run/devices.json', { cloudDevices: '/run/devices.json' }]], bad: [] },
  BUSBAR_LOG: { good: [['silent', { log: 'silent' }]], bad: ['trace', 'INFO'] },
  BUSBAR_CLOUD_MQTT: { good: [['h:1883', { cloudMqtt: { host: 'h', port: 1883 } }]], bad: ['1883'] },
  BUSBAR_CLOUD_HTTP: { good: [['h:80', { cloudHttp: { host: 'h', port: 80 } }]], bad: ['h:x'] },
  BUSBAR_CLOUD_COUNTING: {
    good: [
      ['true', { cloudCounting: true }],
      ['1', { cloudCounting: true }],
      ['false', { cloudCounting: false }],
      ['0', { cloudCounting: false }],
    ],
    bad: ['yes', 'TRUE'],
  },
  BUSBAR_SIMULATOR_HTTP: { good: [['h:81', { simulatorHttp: { host: 'h', port: 81 } }]], bad: ['h:'] },
  BUSBAR_SIMULATOR_MODBUS: { good: [['h:502', { simulatorModbus: { host: 'h', port: 502 } }]], bad: ['h:-1'] },
  BUSBAR_SIMULATOR_COUNTING: {
    good: [['24x50', { simulatorCounting: { devices: 24, tags: 50 } }]],
    bad: ['24', '24x', 'x50', '24X50', '99999x1'],
  },
  BUSBAR_CONSOLE: { good: [['/srv/console', { consoleFolder: '/srv/console' }]], bad: [] },
};
const NAMES = settingsHelp('test').match(/BUSBAR_[A-Z_]+(?= )/g) as string[];

describe('settings', () => {
  it('are all tried here', () => {
    expect([...new Set(NAMES)].sort()).toEqual(Object.keys(EACH).sort());
  });

  it.each(
    Object.entries(EACH).flatMap(([name, { good }]) => good.map(([value, expected]) => ({ name, value, expected }))),
  )('take $name=$value', ({ name, value, expected }) => {
    expect(readSettings({ [name]: value })).toMatchObject(expected);
  });

  it.each(Object.entries(EACH).flatMap(([name, { bad }]) => bad.map((value) => ({ name, value }))))(
    'refuse $name=$value by its name',
    ({ name, value }) => {
      expect(refusal({ [name]: value })).toMatch(new RegExp(`^Setting ${name} is .+: .+\\. Correct it`));
    },
  );

  it('have a default each', () => {
    expect(readSettings({})).toMatchObject({
      data: resolve('data'),
      package: resolve('examples/pv-site'),
      http: { host: '127.0.0.1', port: 8080 },
      bus: 'embedded',
      httpTls: undefined,
      kafkaBrokers: [],
      kafkaSecurity: { tls: undefined, sasl: undefined },
      kafkaReplication: { factor: undefined, minInSync: undefined },
      databaseUrl: undefined,
      secrets: resolve('data/secrets'),
      adminKeyFile: resolve('data/admin.key'),
      license: resolve('data/license/busbar.license'),
      licenseKeys: undefined,
      workload: 'all',
      pod: undefined,
      cloudDevices: resolve('data/cloud-devices.json'),
      log: 'info',
      cloudMqtt: { host: '127.0.0.1', port: 11883 },
      cloudHttp: { host: '127.0.0.1', port: 8090 },
      cloudCounting: false,
      simulatorHttp: { host: '127.0.0.1', port: 8091 },
      simulatorModbus: { host: '127.0.0.1', port: 15020 },
      simulatorCounting: undefined,
    });
  });

  it('count an empty value as none', () => {
    const empty = Object.fromEntries(Object.keys(EACH).map((name) => [name, '']));
    expect(readSettings(empty)).toEqual(readSettings({}));
  });

  it('refuse a name that is none of them, without its value', () => {
    const text = refusal({ BUSBAR_DATABASE_PASSWORD: 'hunter2' });
    expect(text).toContain('BUSBAR_DATABASE_PASSWORD is set: there is no such setting');
    expect(text).not.toContain('hunter2');
    expect(refusal({ PATH: '/bin', BUSBARX: '1' })).toBe('accepted');
  });

  it('never show the password of a database', () => {
    expect(refusal({ BUSBAR_DATABASE_URL: 'mysql://busbar:hunter2@h/d' })).not.toContain('hunter2');
  });

  it('want a broker when the bus is kafka', () => {
    expect(refusal({ BUSBAR_BUS: 'kafka' })).toContain('BUSBAR_KAFKA_BROKERS');
    expect(refusal({ BUSBAR_BUS: 'kafka', BUSBAR_KAFKA_BROKERS: ',' })).toContain('BUSBAR_KAFKA_BROKERS');
    expect(refusal({ BUSBAR_BUS: 'kafka', BUSBAR_KAFKA_BROKERS: 'a:9092' })).toBe('accepted');
  });

  it('take TLS and a user for Kafka together', () => {
    const full = {
      BUSBAR_KAFKA_TLS: 'true',
      BUSBAR_KAFKA_CA_FILE: '/kafka/ca.crt',
      BUSBAR_KAFKA_CERT_FILE: '/kafka/tls.crt',
      BUSBAR_KAFKA_KEY_FILE: '/kafka/tls.key',
      BUSBAR_KAFKA_SASL_MECHANISM: 'scram-sha-512',
      BUSBAR_KAFKA_SASL_USER: 'busbar',
      BUSBAR_KAFKA_SASL_PASSWORD_FILE: '/kafka/password',
    };
    expect(readSettings(full).kafkaSecurity).toEqual({
      tls: { ca: '/kafka/ca.crt', cert: '/kafka/tls.crt', key: '/kafka/tls.key' },
      sasl: { mechanism: 'scram-sha-512', user: 'busbar', passwordFile: '/kafka/password' },
    });
    const without = (name: keyof typeof full) => refusal({ ...full, [name]: '' });
    expect(without('BUSBAR_KAFKA_CA_FILE')).toBe('accepted');
    expect(without('BUSBAR_KAFKA_TLS')).toMatch(/BUSBAR_KAFKA_CA_FILE is set: .*BUSBAR_KAFKA_TLS/);
    expect(without('BUSBAR_KAFKA_CERT_FILE')).toMatch(/BUSBAR_KAFKA_CERT_FILE is empty/);
    expect(without('BUSBAR_KAFKA_KEY_FILE')).toMatch(/BUSBAR_KAFKA_KEY_FILE is empty/);
    expect(without('BUSBAR_KAFKA_SASL_MECHANISM')).toMatch(/BUSBAR_KAFKA_SASL_USER is set: .*MECHANISM/);
    expect(without('BUSBAR_KAFKA_SASL_USER')).toMatch(/BUSBAR_KAFKA_SASL_USER is empty/);
    expect(without('BUSBAR_KAFKA_SASL_PASSWORD_FILE')).toMatch(/BUSBAR_KAFKA_SASL_PASSWORD_FILE is/);
  });

  it('send a password as it is through TLS alone', () => {
    const account = { BUSBAR_KAFKA_SASL_USER: 'busbar', BUSBAR_KAFKA_SASL_PASSWORD_FILE: '/kafka/password' };
    const plain = { ...account, BUSBAR_KAFKA_SASL_MECHANISM: 'plain' };
    expect(refusal(plain)).toMatch(/BUSBAR_KAFKA_SASL_MECHANISM is plain: .*BUSBAR_KAFKA_TLS/);
    expect(refusal({ ...plain, BUSBAR_KAFKA_TLS: 'true' })).toBe('accepted');
    expect(refusal({ ...account, BUSBAR_KAFKA_SASL_MECHANISM: 'scram-sha-256' })).toBe('accepted');
  });

  it('want no more replicas in sync than there are', () => {
    const ask = (factor: string, minimum: string) =>
      refusal({ BUSBAR_KAFKA_REPLICATION_FACTOR: factor, BUSBAR_KAFKA_MIN_INSYNC_REPLICAS: minimum });
    expect(ask('1', '2')).toContain('BUSBAR_KAFKA_MIN_INSYNC_REPLICAS');
    expect(ask('3', '3')).toBe('accepted');
  });

  it('are printed with what they are for, one line each', () => {
    const lines = settingsHelp('mapper').split('\n');
    expect(lines[0]).toContain('mapper');
    expect(lines).toHaveLength(1 + Object.keys(EACH).length);
    expect(lines.find((line) => line.includes('BUSBAR_HTTP'))).toContain('(127.0.0.1:8080)');
  });

  it('write an address as it was given', () => {
    for (const text of ['127.0.0.1:8080', '[::1]:0']) {
      expect(formatHostPort(readSettings({ BUSBAR_HTTP: text }).http)).toBe(text);
    }
  });
});
