import type { FileConnectionConfig, FileTaskConfig, SiteConfig } from '@busbar/events';
import {
  asPointValue,
  cronProblem,
  dateFieldProblem,
  filePatternProblem,
  fixedFolder,
  isFolderPattern,
  LONGEST_REACH_MS,
} from '@busbar/model';
import { z } from 'zod';
import type { Asset } from './assets.js';
import type { ConnectionDraft } from './connections.js';
import { described, duration, formed, refused, scalar, text } from './fields.js';
import { type FileConnection, fileConnection } from './file-connections.js';
import { suggestion } from './nearest.js';
import type { Report } from './report.js';
import { checkShape, type Subject, subjectsOf } from './shape.js';
import { type MapTree, valuePlace } from './tree.js';

const DAY_MS = 86_400_000;
/** Folders that `**` stands for at most, unless the task says. */
const DEPTH = 4;
const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 1_024, MB: 1_024 ** 2, GB: 1_024 ** 3, TB: 1_024 ** 4 };

/** Octets of `256KB 2GB`; a K is 1,024. */
export function parseSize(written: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(B|KB|MB|GB|TB)$/.exec(written);
  if (!match) return undefined;
  const octets = Math.round(Number(match[1]) * (UNITS[match[2] ?? ''] as number));
  return octets >= 1 && octets <= 1_024 ** 5 ? octets : undefined;
}

const size = formed(parseSize, 'a size such as 256KB or 2GB');

/** Octets per second of `256KB/s`. */
const rate = formed((written) => {
  const octets = written.endsWith('/s') ? parseSize(written.slice(0, -2)) : undefined;
  return octets !== undefined && octets >= 1_024 ? octets : undefined;
}, 'a rate such as 256KB/s, at least 1KB/s');

/** Minutes of the day of `22:00-06:00`. */
const window = formed((written) => {
  const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(written);
  if (!match) return undefined;
  const [from, to] = [Number(match[1]) * 60 + Number(match[2]), Number(match[3]) * 60 + Number(match[4])];
  return from === to ? undefined : { from, to };
}, 'two times of the day such as 22:00-06:00');

const after = formed((written): FileTaskConfig['after'] | undefined => {
  if (written === 'keep' || written === 'delete') return { act: written };
  const folder = /^move (\/.*)$/.exec(written)?.[1];
  return folder === undefined ? undefined : { act: 'move', folder };
}, 'keep, delete or move /folder');

function pattern(field: string, place: 'folder' | 'name') {
  return z.unknown().transform((value, context): string => {
    if (typeof value !== 'string') return refused(context, 'FIELD_VALUE', { value: 'this', allowed: 'a text' });
    const shape = place === 'name' ? filePatternProblem(value) : folderProblem(value);
    const reason = dateFieldProblem(value, place) ?? shape;
    if (reason === undefined) return value;
    return refused(context, 'FILE_TASK_PATTERN', { pattern: value.slice(0, 80), field, reason });
  });
}

function folderProblem(path: string): string | undefined {
  if (!path.startsWith('/')) return 'a folder begins with /';
  const parts = path.split('/');
  if (parts.some((part) => part === '..' || part === '.')) return 'it goes up with ..';
  if (parts.filter((part) => part === '**').length > 1) return 'it has ** more than once';
  if (parts.some((part) => part !== '**' && part.includes('**')))
    return '** stands for whole folders, as in /records/**';
  return parts.flatMap((part) => (isFolderPattern(part) ? (filePatternProblem(part) ?? []) : []))[0];
}

const cron = text
  .transform((value, context): string => {
    const reason = cronProblem(value);
    if (reason === undefined) return value.trim().split(/\s+/).join(' ');
    return refused(context, 'FILE_TASK_CRON', { cron: value.slice(0, 80), reason });
  })
  .meta({ sample: 'cron: 30 2 * * *' });

const startOn = z.strictObject({
  asset: text,
  point: text,
  becomes: scalar.optional(),
  delay: duration(0).optional(),
});

const taskSchema = z.strictObject({
  ...described,
  connection: text.meta({ sample: 'connection: my-sftp' }),
  path: pattern('path', 'folder').meta({ sample: 'path: /records' }),
  depth: z.number().int().min(1).max(16).optional(),
  match: z.array(pattern('match', 'name')).min(1).max(32).meta({ sample: 'match: [ "*.csv" ]' }),
  back: duration(0).optional(),
  sets: z.enum(['none', 'same-name']).optional(),
  every: duration(1_000).optional(),
  cron: cron.optional(),
  startOn: startOn.meta({ sample: 'startOn: { asset: my-asset, point: MY.Fault, becomes: 1 }' }).optional(),
  window: window.optional(),
  settled: duration(0).optional(),
  limit: rate.optional(),
  after: after.optional(),
  to: z.strictObject({ asset: text, point: text }).meta({ sample: 'to: { asset: my-asset, point: MY.File }' }),
  keep: z.strictObject({ days: z.number().min(0).max(3_650).optional(), size: size.optional() }).optional(),
});

export interface FileTaskDraft {
  readonly subject: Subject & { readonly tree: MapTree };
  readonly value: z.output<typeof taskSchema>;
}

/** Stage schema. */
export function readFileTasks(section: MapTree | undefined, report: Report): FileTaskDraft[] {
  return subjectsOf(section, 'file task', report).flatMap((subject) => {
    const value = checkShape(taskSchema, subject, report);
    return value ? [{ subject, value }] : [];
  });
}

export interface FileParts {
  readonly connections: readonly ConnectionDraft[];
  readonly tasks: readonly FileTaskDraft[];
  readonly assets: readonly Asset[];
  readonly site: SiteConfig;
  /** Assets with errors are missing: what names none may be a consequence. */
  readonly isPartial: boolean;
}

export interface Files {
  readonly connections: readonly FileConnectionConfig[];
  /** Points that get files, by asset. */
  readonly points: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Stages references and meaning. */
export function resolveFiles({ connections, tasks, assets, site, isPartial }: FileParts, report: Report): Files {
  const named = new Set(connections.map(({ subject }) => subject.id));
  const sources = new Map(
    connections.flatMap((draft) => fileConnection(draft, report) ?? []).map((one) => [one.id, one]),
  );
  const byConnection = new Map<string, FileTaskConfig[]>([...sources.keys()].map((id) => [id, []]));
  const points = new Map<string, Set<string>>();
  for (const draft of tasks) {
    const { subject, value } = draft;
    const source = sources.get(value.connection);
    if (!named.has(value.connection)) {
      const known = suggestion(value.connection, named, 'a connection with `driver: sftp`, `ftp` or `http`');
      const params = { kind: 'file connection', id: value.connection, suggestion: known };
      report.add('REFERENCE_UNKNOWN', valuePlace(subject.tree, ['connection'], subject.place), params);
    }
    if (source) checkAfter(draft, source, report);
    checkSchedule(draft, report);
    if (!isPartial) {
      checkPoint(draft, assets, report);
      checkStart(draft, assets, report);
    }
    byConnection.get(value.connection)?.push(taskConfig(draft));
    const { asset, point } = value.to;
    const ofAsset = points.get(asset) ?? new Set();
    points.set(asset, ofAsset.add(point));
  }
  return {
    points,
    connections: [...sources.values()].map(({ id, title, readOnly, with: source }): FileConnectionConfig => {
      const own = byConnection.get(id) ?? [];
      return { kind: 'file', id, title, readOnly, with: source, site: site.id, timezone: site.timezone, tasks: own };
    }),
  };
}

function checkAfter(
  { subject, value }: FileTaskDraft,
  { id, with: source, readOnly }: FileConnection,
  report: Report,
): void {
  const act = value.after?.act ?? 'keep';
  if (act === 'keep') return;
  const place = valuePlace(subject.tree, ['after'], subject.place);
  if (value.after?.act === 'move' && folderOf(value.after.folder) === folderOf(fixedFolder(value.path))) {
    const allowed = 'a folder other than that of `path`, where it would be found again';
    report.add('FIELD_VALUE', place, { value: `move ${value.after.folder}`, field: 'after', allowed });
  }
  if (source.protocol === 'http' && act === 'move') {
    report.add('FILE_ACT_UNKNOWN', place, { protocol: source.protocol, act });
  } else if (readOnly) {
    report.add('FILE_TASK_WRITES', place, { task: subject.id, act, connection: id });
  }
}

function checkSchedule({ subject, value }: FileTaskDraft, report: Report): void {
  const refuse = (field: string, fields: string, reason: string): void => {
    const params = { task: subject.id, fields, reason };
    report.add('FILE_TASK_SCHEDULE', valuePlace(subject.tree, [field], subject.place), params);
  };
  if (value.cron !== undefined && value.every !== undefined)
    refuse('cron', '`cron` and `every`', 'both say when it runs');
  if (value.cron !== undefined && value.window !== undefined)
    refuse('window', '`cron` and `window`', '`cron` says the hours itself');
  if (value.depth !== undefined && !value.path.split('/').includes('**')) {
    const params = { pattern: value.path, field: 'path', reason: '`depth` says how deep ** goes, and there is none' };
    report.add('FILE_TASK_PATTERN', valuePlace(subject.tree, ['depth'], subject.place), params);
  }
}

/** Point that starts a task: a scalar that is compared by its value. */
function checkStart({ subject, value }: FileTaskDraft, assets: readonly Asset[], report: Report): void {
  const { startOn: start } = value;
  if (!start) return;
  const say = (reason: string): void => {
    const params = { task: subject.id, point: `${start.asset}/${start.point}`, reason };
    report.add('FILE_TASK_START', valuePlace(subject.tree, ['startOn'], subject.place), params);
  };
  const asset = assets.find(({ id }) => id === start.asset);
  const point = asset?.model.points.get(start.point);
  const ids = assets.map(({ id }) => id);
  if (!asset) say(`the package has ${suggestion(start.asset, ids)}`);
  else if (!point) say(`its model has ${suggestion(start.point, asset.model.points.keys())}`);
  else if (['file', 'raw', 'array', 'struct'].includes(point.type)) say(`the point is of type ${point.type}`);
  else if (start.becomes !== undefined && asPointValue(point.type, start.becomes) === undefined)
    say(`it is of type ${point.type} and never ${String(start.becomes)}`);
}

function checkPoint({ subject, value }: FileTaskDraft, assets: readonly Asset[], report: Report): void {
  const { asset: assetId, point: pointId } = value.to;
  const say = (reason: string): void => {
    const params = { task: subject.id, point: `${assetId}/${pointId}`, reason };
    report.add('FILE_TASK_POINT', valuePlace(subject.tree, ['to'], subject.place), params);
  };
  const asset = assets.find(({ id }) => id === assetId);
  const point = asset?.model.points.get(pointId);
  if (!asset)
    say(
      `the package has ${suggestion(
        assetId,
        assets.map(({ id }) => id),
      )}`,
    );
  else if (asset.logic) say('a logic asset has no identity at a cloud');
  else if (!point) say(`its model has ${suggestion(pointId, asset.model.points.keys())}`);
  else if (point.type !== 'file') say(`the point is of type ${point.type}`);
}

function folderOf(path: string): string {
  return path.replace(/\/+$/, '') || '/';
}

function startConfig({ asset, point, becomes, delay }: z.output<typeof startOn>): FileTaskConfig['startOn'] {
  const value = typeof becomes === 'boolean' ? Number(becomes) : becomes;
  return { asset, point, ...(value === undefined ? {} : { becomes: value }), delayMs: delay ?? 0 };
}

function taskConfig({ subject, value }: FileTaskDraft): FileTaskConfig {
  const days = value.keep?.days ?? 30;
  return {
    id: subject.id,
    title: value.title ?? subject.id,
    path: folderOf(value.path),
    ...(value.path.split('/').includes('**') ? { depth: value.depth ?? DEPTH } : {}),
    match: value.match,
    backMs: Math.min(value.back ?? DAY_MS, LONGEST_REACH_MS - DAY_MS),
    sets: value.sets ?? 'none',
    everyMs: value.every ?? null,
    ...(value.cron === undefined ? {} : { cron: value.cron }),
    ...(value.startOn === undefined ? {} : { startOn: startConfig(value.startOn) }),
    window: value.window ?? null,
    settledMs: value.settled ?? 10_000,
    limit: value.limit ?? null,
    after: value.after ?? { act: 'keep' },
    to: value.to,
    keep: { ms: Math.round(days * DAY_MS), bytes: value.keep?.size ?? 1_024 ** 3 },
  };
}
