import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { BusbarError } from '@busbar/errors';
import { z } from 'zod';

/** Where a server listens or is found. Port 0: any free one, printed at the start. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  return match && port <= 65535 ? { host: (match[1] ?? match[2]) as string, port } : undefined;
}

function hostPort(fallback: string) {
  return z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const parsed = parseHostPort(text);
      if (!parsed) context.addIssue({ code: 'custom', message: 'write host:port, for example 127.0.0.1:8080' });
      return parsed ?? { host: '', port: 0 };
    });
}

const size = z
  .string()
  .regex(/^\d{1,4}x\d{1,5}$/, 'write devices x tags, for example 24x50')
  .transform((text) => {
    const [devices, tags] = text.split('x').map(Number) as [number, number];
    return { devices, tags };
  })
  .optional();

const flag = z
  .enum(['true', 'false', '1', '0'], 'write true or false')
  .default('false')
  .transform((text) => text === 'true' || text === '1');

const replicas = z
  .string()
  .regex(/^[1-9]$/, 'write a number from 1 to 9')
  .transform(Number)
  .optional();

/** Every setting: its variable, what it is for, its rule. The only place that knows the names. */
const SETTINGS = {
  BUSBAR_DATA: [z.string().min(1).default('./data'), 'folder for everything that a process writes'],
  BUSBAR_PACKAGE: [
    z.string().min(1).default('examples/pv-site'),
    'resource package, published only while no generation exists',
  ],
  BUSBAR_HTTP: [hostPort('127.0.0.1:8080'), 'console and API; health and metrics of a service'],
  BUSBAR_HTTP_TLS: [
    z.string().min(1).optional(),
    'HTTPS instead: folder of tls.crt and tls.key, or the two files separated by a comma',
  ],
  BUSBAR_BUS: [z.enum(['embedded', 'kafka'], 'write embedded or kafka').default('embedded'), 'where events go'],
  BUSBAR_KAFKA_BROKERS: [z.string().default(''), 'brokers, host:port separated by commas'],
  BUSBAR_KAFKA_TLS: [flag, 'TLS to the brokers'],
  BUSBAR_KAFKA_CA_FILE: [z.string().min(1).optional(), 'who signs their certificates (those that Node.js knows)'],
  BUSBAR_KAFKA_CERT_FILE: [z.string().min(1).optional(), 'certificate of this client, if the brokers want one'],
  BUSBAR_KAFKA_KEY_FILE: [z.string().min(1).optional(), 'its private key'],
  BUSBAR_KAFKA_SASL_MECHANISM: [
    z.enum(['plain', 'scram-sha-256', 'scram-sha-512'], 'write plain, scram-sha-256 or scram-sha-512').optional(),
    'how the user is proved: plain, scram-sha-256 or scram-sha-512',
  ],
  BUSBAR_KAFKA_SASL_USER: [z.string().min(1).optional(), 'user at the brokers'],
  BUSBAR_KAFKA_SASL_PASSWORD_FILE: [z.string().min(1).optional(), 'file of the password of that user'],
  BUSBAR_KAFKA_REPLICATION_FACTOR: [replicas, 'replicas of a topic that is created (as the brokers are set)'],
  BUSBAR_KAFKA_MIN_INSYNC_REPLICAS: [
    replicas,
    'so many must have a record before it counts (2 of 3 or more, else as the brokers are set)',
  ],
  BUSBAR_DATABASE_URL: [
    z
      .string()
      .regex(/^postgres(ql)?:\/\//, 'write postgres://user:password@host:port/database')
      .optional(),
    'PostgreSQL; without it an embedded one in the data folder',
  ],
  BUSBAR_SECRETS: [z.string().min(1).optional(), 'folder of secrets (data/secrets)'],
  BUSBAR_ADMIN_KEY_FILE: [z.string().min(1).optional(), 'file of the admin key (data/admin.key)'],
  BUSBAR_LICENSE: [z.string().min(1).optional(), 'license file (data/license/busbar.license)'],
  BUSBAR_LICENSE_KEYS: [
    z.string().min(1).optional(),
    'public keys of those who may issue licenses, a JSON Web Key Set',
  ],
  BUSBAR_WORKLOAD: [
    z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,62}$/, 'write lower-case letters, digits and dashes')
      .default('all'),
    'names the group of collectors and the drivers that it runs',
  ],
  BUSBAR_POD: [
    z.string().min(1).optional(),
    'name of the pod in Kubernetes: a forwarder then labels it with the connections that it owns',
  ],
  BUSBAR_CLOUD_DEVICES: [z.string().min(1).optional(), "the stand-in's list of keys (data/cloud-devices.json)"],
  BUSBAR_LOG: [
    z.enum(['debug', 'info', 'warn', 'error', 'silent'], 'write debug, info, warn, error or silent').default('info'),
    'least level that is logged',
  ],
  BUSBAR_CLOUD_MQTT: [hostPort('127.0.0.1:11883'), "the stand-in's MQTT"],
  BUSBAR_CLOUD_HTTP: [hostPort('127.0.0.1:8090'), "the stand-in's HTTP"],
  BUSBAR_CLOUD_COUNTING: [flag, 'the stand-in keeps every value it received (tests)'],
  BUSBAR_SIMULATOR_HTTP: [hostPort('127.0.0.1:8091'), "the simulator's HTTP"],
  BUSBAR_SIMULATOR_MODBUS: [hostPort('127.0.0.1:15020'), 'first Modbus port of the simulator; the meter at the next'],
  BUSBAR_SIMULATOR_COUNTING: [size, 'the simulator counts: devices x tags, for example 24x50 (tests)'],
  BUSBAR_CONSOLE: [z.string().min(1).optional(), 'folder of the built console'],
} as const satisfies Record<string, readonly [z.ZodType, string]>;

/** Settings whose value holds a password, or may by mistake, and is never shown. */
const SECRET: ReadonlySet<string> = new Set(['BUSBAR_DATABASE_URL', 'BUSBAR_KAFKA_SASL_PASSWORD_FILE']);

type Name = keyof typeof SETTINGS;
type Parsed = { [K in Name]: z.infer<(typeof SETTINGS)[K][0]> };

/** How connections to the brokers are secured: paths of files, which are read at each connection. */
export interface KafkaSecuritySettings {
  readonly tls?:
    | { readonly ca?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined }
    | undefined;
  readonly sasl?:
    | {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
        readonly user: string;
        readonly passwordFile: string;
      }
    | undefined;
}

export interface Settings {
  readonly data: string;
  readonly package: string;
  readonly http: HostPort;
  /** Paths of certificate and private key; absent: plain HTTP. */
  readonly httpTls?: { readonly cert: string; readonly key: string } | undefined;
  readonly bus: 'embedded' | 'kafka';
  readonly kafkaBrokers: readonly string[];
  readonly kafkaSecurity: KafkaSecuritySettings;
  /** Of topics that are created; what is absent is left to the brokers. */
  readonly kafkaReplication: { readonly factor?: number | undefined; readonly minInSync?: number | undefined };
  readonly databaseUrl?: string | undefined;
  readonly secrets: string;
  readonly adminKeyFile: string;
  readonly license: string;
  readonly licenseKeys?: string | undefined;
  readonly workload: string;
  /** Name of this pod, in Kubernetes alone. */
  readonly pod: string | undefined;
  readonly cloudDevices: string;
  readonly log: string;
  readonly cloudMqtt: HostPort;
  readonly cloudHttp: HostPort;
  readonly cloudCounting: boolean;
  readonly simulatorHttp: HostPort;
  readonly simulatorModbus: HostPort;
  readonly simulatorCounting?: { readonly devices: number; readonly tags: number } | undefined;
  readonly consoleFolder: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Nearest folder above that holds the console as built in this repository; a container sets BUSBAR_CONSOLE. */
function builtConsole(): string {
  let folder = import.meta.dirname;
  for (;;) {
    const candidate = join(folder, 'apps/console/dist/app');
    if (existsSync(candidate) || dirname(folder) === folder) return candidate;
    folder = dirname(folder);
  }
}

function invalid(name: Name, value: string, reason: string): BusbarError {
  return new BusbarError('SETTING_INVALID', { name, value, reason });
}

/** One of the settings without which another means nothing. */
function needed(s: Parsed, name: Name, why: string): string {
  const value = s[name];
  if (value === undefined) throw invalid(name, 'empty', why);
  return value as string;
}

/** A setting that has no say without another must not be there: whoever gave it believes that it has. */
function idle(s: Parsed, names: readonly Name[], why: string): void {
  for (const name of names) if (s[name] !== undefined) throw invalid(name, 'set', why);
}

function httpTlsOf(s: Parsed): Settings['httpTls'] {
  const given = s.BUSBAR_HTTP_TLS;
  if (given === undefined) return undefined;
  const files = given.split(',');
  if (files.length === 1) return { cert: resolve(given, 'tls.crt'), key: resolve(given, 'tls.key') };
  const [cert, key] = files;
  if (!cert || !key || files.length > 2) {
    throw invalid('BUSBAR_HTTP_TLS', given, 'write a folder, or the files of certificate and key: cert.pem,key.pem');
  }
  return { cert: resolve(cert), key: resolve(key) };
}

function kafkaSecurityOf(s: Parsed): KafkaSecuritySettings {
  const files = ['BUSBAR_KAFKA_CA_FILE', 'BUSBAR_KAFKA_CERT_FILE', 'BUSBAR_KAFKA_KEY_FILE'] as const;
  if (!s.BUSBAR_KAFKA_TLS) idle(s, files, 'it has no say without BUSBAR_KAFKA_TLS=true');
  const [ca, cert, key] = files.map((name) => s[name] && resolve(s[name]));
  if (cert) needed(s, 'BUSBAR_KAFKA_KEY_FILE', 'BUSBAR_KAFKA_CERT_FILE is set and needs its key');
  if (key) needed(s, 'BUSBAR_KAFKA_CERT_FILE', 'BUSBAR_KAFKA_KEY_FILE is set and needs its certificate');
  const mechanism = s.BUSBAR_KAFKA_SASL_MECHANISM;
  const account = ['BUSBAR_KAFKA_SASL_USER', 'BUSBAR_KAFKA_SASL_PASSWORD_FILE'] as const;
  if (mechanism === undefined) idle(s, account, 'it has no say without BUSBAR_KAFKA_SASL_MECHANISM');
  if (mechanism === 'plain' && !s.BUSBAR_KAFKA_TLS) {
    const reason = 'it sends the password as it is and needs BUSBAR_KAFKA_TLS=true';
    throw invalid('BUSBAR_KAFKA_SASL_MECHANISM', mechanism, reason);
  }
  const why = 'BUSBAR_KAFKA_SASL_MECHANISM is set and needs it';
  const sasl = mechanism && {
    mechanism,
    user: needed(s, 'BUSBAR_KAFKA_SASL_USER', why),
    passwordFile: resolve(needed(s, 'BUSBAR_KAFKA_SASL_PASSWORD_FILE', why)),
  };
  return { tls: s.BUSBAR_KAFKA_TLS ? { ca, cert, key } : undefined, sasl };
}

function replicationOf(s: Parsed): Settings['kafkaReplication'] {
  const factor = s.BUSBAR_KAFKA_REPLICATION_FACTOR;
  const given = s.BUSBAR_KAFKA_MIN_INSYNC_REPLICAS;
  if (factor !== undefined && given !== undefined && given > factor) {
    throw invalid('BUSBAR_KAFKA_MIN_INSYNC_REPLICAS', String(given), `there are ${factor} replicas of a record only`);
  }
  // Kafka's own default is 1: a record could be lost with the one broker that has it.
  return { factor, minInSync: given ?? (factor !== undefined && factor >= 3 ? 2 : undefined) };
}

/** Reads and checks every setting; SETTING_INVALID names the first that is wrong, and an unknown BUSBAR_ name. */
export function readSettings(env: Environment): Settings {
  for (const name of Object.keys(env)) {
    if (name.startsWith('BUSBAR_') && !(name in SETTINGS)) {
      // Its value stays out of the sentence: it may be a secret under a mistaken name.
      throw new BusbarError('SETTING_INVALID', { name, value: 'set', reason: 'there is no such setting' });
    }
  }
  const parsed: Record<string, unknown> = {};
  for (const [name, [schema]] of Object.entries(SETTINGS)) {
    const given = env[name] === '' ? undefined : env[name];
    const result = schema.safeParse(given);
    if (!result.success) {
      const reason = result.error.issues[0]?.message ?? 'not allowed';
      throw new BusbarError('SETTING_INVALID', { name, value: SECRET.has(name) ? 'not right' : given, reason });
    }
    parsed[name] = result.data;
  }
  const s = parsed as Parsed;
  const data = resolve(s.BUSBAR_DATA);
  const kafkaBrokers = s.BUSBAR_KAFKA_BROKERS.split(',').filter((broker) => broker !== '');
  if (s.BUSBAR_BUS === 'kafka' && kafkaBrokers.length === 0) {
    throw invalid('BUSBAR_KAFKA_BROKERS', 'empty', 'BUSBAR_BUS is kafka and needs at least one broker');
  }
  for (const broker of kafkaBrokers) {
    if (parseHostPort(broker)) continue;
    throw invalid('BUSBAR_KAFKA_BROKERS', broker, 'write host:port, separated by commas');
  }
  return {
    data,
    package: resolve(s.BUSBAR_PACKAGE),
    http: s.BUSBAR_HTTP,
    httpTls: httpTlsOf(s),
    bus: s.BUSBAR_BUS,
    kafkaBrokers,
    kafkaSecurity: kafkaSecurityOf(s),
    kafkaReplication: replicationOf(s),
    databaseUrl: s.BUSBAR_DATABASE_URL,
    secrets: resolve(s.BUSBAR_SECRETS ?? join(data, 'secrets')),
    adminKeyFile: resolve(s.BUSBAR_ADMIN_KEY_FILE ?? join(data, 'admin.key')),
    license: resolve(s.BUSBAR_LICENSE ?? join(data, 'license', 'busbar.license')),
    licenseKeys: s.BUSBAR_LICENSE_KEYS && resolve(s.BUSBAR_LICENSE_KEYS),
    workload: s.BUSBAR_WORKLOAD,
    pod: s.BUSBAR_POD,
    cloudDevices: resolve(s.BUSBAR_CLOUD_DEVICES ?? join(data, 'cloud-devices.json')),
    log: s.BUSBAR_LOG,
    cloudMqtt: s.BUSBAR_CLOUD_MQTT,
    cloudHttp: s.BUSBAR_CLOUD_HTTP,
    cloudCounting: s.BUSBAR_CLOUD_COUNTING,
    simulatorHttp: s.BUSBAR_SIMULATOR_HTTP,
    simulatorModbus: s.BUSBAR_SIMULATOR_MODBUS,
    simulatorCounting: s.BUSBAR_SIMULATOR_COUNTING,
    consoleFolder: resolve(s.BUSBAR_CONSOLE ?? builtConsole()),
  };
}

/** What `--help` prints: one line per setting. */
export function settingsHelp(program: string): string {
  const lines = Object.entries(SETTINGS).map(([name, [schema, what]]) => {
    const text = schema.safeParse(undefined);
    const value = text.success && text.data !== undefined && typeof text.data !== 'boolean' ? shown(text.data) : '';
    return `  ${name.padEnd(28)} ${what}${value && !what.endsWith(')') ? ` (${value})` : ''}`;
  });
  return [`busbar ${program}: set by environment variables`, ...lines].join('\n');
}

function shown(value: unknown): string {
  return typeof value === 'object' && value !== null && 'port' in value
    ? formatHostPort(value as HostPort)
    : String(value);
}

export function formatHostPort(address: HostPort): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
