import { z } from 'zod';
import { diagnosisSchema } from './connections.js';

const id = z.string().min(1).max(257);
const port = z.number().int().min(1).max(65_535);
/** `secret:<path>`. */
const secret = z.string();
/** Longest silence of the server, ms. */
const timeoutMs = z.number().int().min(100).max(600_000);

export const FILE_PROTOCOLS = ['sftp', 'ftp', 'http'] as const;
export type FileProtocol = (typeof FILE_PROTOCOLS)[number];

export const sftpSourceSchema = z.strictObject({
  protocol: z.literal('sftp'),
  host: z.string(),
  port,
  user: z.string(),
  password: secret.optional(),
  privateKey: secret.optional(),
  passphrase: secret.optional(),
  /** Fingerprint as OpenSSH prints it: `SHA256:` and 43 characters of base64. */
  hostKey: z.string(),
  timeoutMs,
});
export type SftpSourceConfig = z.infer<typeof sftpSourceSchema>;

export const ftpSourceSchema = z.strictObject({
  protocol: z.literal('ftp'),
  host: z.string(),
  port,
  user: z.string(),
  password: secret.optional(),
  /** RFC 4217 (`explicit`: AUTH TLS), or TLS from the first octet. */
  security: z.enum(['none', 'explicit', 'implicit']),
  /** PEM of whom to trust, instead of the public authorities. */
  certificate: secret.optional(),
  /** Name that the certificate must carry; default the host. */
  serverName: z.string().optional(),
  timeoutMs,
});
export type FtpSourceConfig = z.infer<typeof ftpSourceSchema>;

export const httpSourceSchema = z.strictObject({
  protocol: z.literal('http'),
  /** `http(s)://host[:port]`, with a path in front of the tasks' if need be. */
  url: z.string(),
  user: z.string().optional(),
  password: secret.optional(),
  /** Bearer token. */
  token: secret.optional(),
  certificate: secret.optional(),
  timeoutMs,
});
export type HttpSourceConfig = z.infer<typeof httpSourceSchema>;

export const fileSourceSchema = z.discriminatedUnion('protocol', [sftpSourceSchema, ftpSourceSchema, httpSourceSchema]);
export type FileSourceConfig = z.infer<typeof fileSourceSchema>;

export const fileTaskSchema = z.strictObject({
  id,
  title: z.string(),
  /** Folder at the source, date fields as written; a part with `*` or `?` is a pattern, `**` any folders. */
  path: z.string(),
  /** Folders below the fixed part of a path with patterns that are looked into; 0: none but itself. */
  depth: z.number().int().min(0).max(32).optional(),
  /** Patterns of names, date fields as written. */
  match: z.array(z.string()).min(1),
  /** How far back dates in names reach, ms. */
  backMs: z.number().int().min(0),
  /** `same-name`: files are taken once each pattern has one of the same name without extension. */
  sets: z.enum(['none', 'same-name']),
  /** Period, ms; null: only when asked. */
  everyMs: z.number().int().min(1_000).nullable(),
  /** Five fields of crontab(5), by the clock of the site; never together with a period. */
  cron: z.string().optional(),
  /** Also runs whenever a good value of the point becomes this, without `becomes` whenever it is another. */
  startOn: z
    .strictObject({
      asset: id,
      point: id,
      becomes: z.union([z.number(), z.string()]).optional(),
      /** From the change to the start, ms: devices write their records after they tell of them. */
      delayMs: z.number().int().min(0),
    })
    .optional(),
  /** Minutes of the site's day in which the period counts; may go over midnight. */
  window: z.strictObject({ from: z.number().int().min(0).max(1439), to: z.number().int().min(0).max(1439) }).nullable(),
  /** A file is taken when its size and time did not change for so long, ms. */
  settledMs: z.number().int().min(0),
  /** Octets per second; null: no limit. */
  limit: z.number().int().min(1_024).nullable(),
  /** Done once the cloud has acknowledged the file. */
  after: z.discriminatedUnion('act', [
    z.strictObject({ act: z.literal('keep') }),
    z.strictObject({ act: z.literal('delete') }),
    z.strictObject({ act: z.literal('move'), folder: z.string() }),
  ]),
  to: z.strictObject({ asset: id, point: id }),
  /** Delivered files stay here so long and so far; files not delivered are never dropped. */
  keep: z.strictObject({ ms: z.number().int().min(0), bytes: z.number().int().min(1) }),
});
export type FileTaskConfig = z.infer<typeof fileTaskSchema>;

/** A connection from which files are collected, with the tasks over it: its owner runs them all. */
export const fileConnectionSchema = z.strictObject({
  kind: z.literal('file'),
  id,
  title: z.string(),
  /** Nothing is moved or deleted at the source. */
  readOnly: z.boolean(),
  with: fileSourceSchema,
  site: id,
  timezone: z.string(),
  tasks: z.array(fileTaskSchema),
});
export type FileConnectionConfig = z.infer<typeof fileConnectionSchema>;

export const FILE_STATES = ['collecting', 'collected', 'uploading', 'uploaded', 'failed'] as const;
export type FileState = (typeof FILE_STATES)[number];

/** Record of `files.collected`, key = task: how far a file is; at most one per second and file, and one for each state. */
export const fileCollectedSchema = z.strictObject({
  connection: id,
  task: id,
  /** Path at the source. */
  file: z.string(),
  state: z.enum(FILE_STATES),
  /** Octets; as the source says it until the file is here. */
  size: z.number().int().min(0).nullable(),
  /** Octets collected, or uploaded, so far. */
  bytes: z.number().int().min(0),
  /** Sink that it goes to, while `uploading`. */
  sink: id.optional(),
  sha256: z.string().optional(),
  /** Of `failed`; also why a file waits. */
  diagnosis: diagnosisSchema.nullable(),
  at: z.number(),
});
export type FileCollected = z.infer<typeof fileCollectedSchema>;

/**
 * Record of `files.uploaded`, key = `task/path`: what the clouds have acknowledged. It is by this that no file is sent
 * twice, whoever owns the task; a tombstone forgets a file that the source does not have any more.
 */
export const fileUploadedSchema = z.strictObject({
  connection: id,
  task: id,
  file: z.string(),
  size: z.number().int().min(0),
  /** Epoch ms of the last change at the source; null where it does not say. */
  modifiedAt: z.number().nullable(),
  /** Entity tag of an HTTP source. */
  tag: z.string().nullable(),
  sha256: z.string(),
  collectedAt: z.number(),
  uploadedAt: z.number(),
  sinks: z.array(z.strictObject({ sink: id, uri: z.string().nullable() })),
  /** What became of the file at the source. */
  after: z.enum(['pending', 'done']),
});
export type FileUploaded = z.infer<typeof fileUploadedSchema>;

/** Record of `files.requested`, key = connection: somebody wants something done now. */
export const fileRequestedSchema = z.strictObject({
  id: z.string(),
  connection: id,
  task: id,
  /** `fetch`: a run of the task; `retry`: what failed, of a file or of all, without waiting any longer; `deliver`: a file once more. */
  act: z.enum(['fetch', 'retry', 'deliver']),
  /** Path at the source; of `deliver`, and of `retry` if it is one file. */
  file: z.string().optional(),
  by: z.string(),
  at: z.number(),
});
export type FileRequested = z.infer<typeof fileRequestedSchema>;
