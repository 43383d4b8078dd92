import { FILE_PROTOCOLS, type FileProtocol, type FileSourceConfig } from '@busbar/events';
import { z } from 'zod';
import type { ConnectionDraft } from './connections.js';
import { duration, refused, text } from './fields.js';
import type { Report } from './report.js';
import { checkShape, type Subject } from './shape.js';
import { keyPlace, type MapTree, treeAt } from './tree.js';

const port = z.number().int().min(1).max(65_535).optional();
const timeout = duration(100).optional();
const TIMEOUT_MS = 30_000;

/** A secret by reference; the text itself never gets into a finding. */
function secret(field: string) {
  return z.unknown().transform((value, context): string => {
    if (typeof value === 'string' && /^secret:[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/.test(value)) return value;
    return refused(context, 'SECRET_LITERAL', { field: `with.${field}` });
  });
}

const hostKey = text
  .transform((value, context): string => {
    if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(value)) return value;
    const allowed = 'a fingerprint as `ssh-keygen -lf` prints it, SHA256: and 43 characters';
    return refused(context, 'FIELD_VALUE', { value: value.slice(0, 80), allowed });
  })
  .meta({ sample: 'hostKey: "SHA256:uNiVztksCsDhcc0u9e8BrsPCpOZn0uRmeyDTWZ1WWgo"' });

const url = text
  .transform((value, context): string => {
    const parsed = URL.canParse(value) ? new URL(value) : undefined;
    const isWeb = parsed?.protocol === 'http:' || parsed?.protocol === 'https:';
    const isBare =
      parsed && parsed.username === '' && parsed.password === '' && parsed.search === '' && parsed.hash === '';
    if (isWeb && isBare && parsed.hostname !== '') return value;
    // A password may stand in it.
    const allowed = 'http://host:port or https://host:port, without user and password';
    return refused(context, 'FIELD_VALUE', { value: 'This', allowed });
  })
  .meta({ sample: 'url: https://10.20.1.40' });

const host = text.min(1).meta({ sample: 'host: 10.20.1.40' });
const user = text.min(1).meta({ sample: 'user: records' });

const SCHEMAS = {
  sftp: z
    .strictObject({
      host,
      port,
      user,
      password: secret('password').optional(),
      privateKey: secret('privateKey').optional(),
      passphrase: secret('passphrase').optional(),
      hostKey,
      timeout,
    })
    .transform(({ timeout: timeoutMs, ...rest }, context): FileSourceConfig => {
      if (rest.password === undefined && rest.privateKey === undefined) {
        context.addIssue({ code: 'invalid_type', expected: 'string', input: undefined, path: ['privateKey'] });
      }
      return { protocol: 'sftp', ...rest, port: rest.port ?? 22, timeoutMs: timeoutMs ?? TIMEOUT_MS };
    }),
  ftp: z
    .strictObject({
      host,
      port,
      user: user.optional(),
      password: secret('password').optional(),
      security: z.enum(['none', 'explicit', 'implicit']).optional(),
      certificate: secret('certificate').optional(),
      serverName: text.min(1).optional(),
      timeout,
    })
    .transform(({ timeout: timeoutMs, ...rest }): FileSourceConfig => {
      const security = rest.security ?? 'none';
      const usual = security === 'implicit' ? 990 : 21;
      const named = { ...rest, security, port: rest.port ?? usual, user: rest.user ?? 'anonymous' };
      return { protocol: 'ftp', ...named, timeoutMs: timeoutMs ?? TIMEOUT_MS };
    }),
  http: z
    .strictObject({
      url,
      user: text.min(1).optional(),
      password: secret('password').optional(),
      token: secret('token').optional(),
      certificate: secret('certificate').optional(),
      timeout,
    })
    .transform(({ timeout: timeoutMs, ...rest }): FileSourceConfig => {
      return { protocol: 'http', ...rest, timeoutMs: timeoutMs ?? TIMEOUT_MS };
    }),
} as const satisfies Record<FileProtocol, z.ZodType<FileSourceConfig>>;

function isFileProtocol(driver: string): driver is FileProtocol {
  return (FILE_PROTOCOLS as readonly string[]).includes(driver);
}

/** A connection from which files are collected: no driver, no devices. */
export function isFileConnection({ value }: ConnectionDraft): boolean {
  return isFileProtocol(value.driver);
}

export interface FileConnection {
  readonly id: string;
  readonly subject: Subject;
  readonly title: string;
  readonly readOnly: boolean;
  readonly with: FileSourceConfig;
}

/** Stage meaning. What cannot be resolved is reported and left out. */
export function fileConnection({ subject, value }: ConnectionDraft, report: Report): FileConnection | undefined {
  const { driver } = value;
  if (!isFileProtocol(driver)) return undefined;
  if (treeAt(subject.tree, ['devices'])) {
    const params = { kind: `connection of ${driver}`, field: 'devices', allowed: '`fileTasks` that name it' };
    report.add('FIELD_UNKNOWN', keyPlace(subject.tree, ['devices']), params);
  }
  const given = treeAt(subject.tree, ['with']);
  const tree: MapTree = given?.kind === 'map' ? given : { kind: 'map', entries: new Map(), place: subject.place };
  const place = given ? keyPlace(subject.tree, ['with']) : subject.place;
  const source = checkShape(SCHEMAS[driver], { kind: 'connection', id: subject.id, place, tree }, report);
  if (!source) return undefined;
  return {
    id: subject.id,
    subject,
    title: value.title ?? subject.id,
    readOnly: value.readOnly ?? true,
    with: source,
  };
}
