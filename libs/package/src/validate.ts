import type { SiteConfig } from '@busbar/events';
import { z } from 'zod';
import { type Asset, AssetResolver, readAssets } from './assets.js';
import { ConfigurationBuilder, type Resolved } from './configuration.js';
import { ConnectionResolver, readConnections } from './connections.js';
import { Expander } from './expand.js';
import { described, text } from './fields.js';
import { isFileConnection } from './file-connections.js';
import { readFileTasks, resolveFiles } from './file-tasks.js';
import { planForwardings } from './forward-plans.js';
import { ForwardingResolver, forwardSources, readForwardings, readForwardTemplates } from './forwarding.js';
import { isId } from './ids.js';
import { formatLock, readLock, sortLock } from './lock.js';
import { readModels, resolveModels } from './models.js';
import { Numbering } from './numbering.js';
import { filePlace } from './place.js';
import { readPolicies, resolvePolicies } from './policies.js';
import { readProtocols } from './protocols.js';
import { LOCK_FILE, missing, NOUNS, PackageReader, type ReadPackage, SECTIONS, type Section } from './read.js';
import { Report } from './report.js';
import type { LockLine, PackageFile, PackagePlugins, Validation } from './result.js';
import { checkShape } from './shape.js';
import { readSinks, SinkResolver } from './sinks.js';
import { tagsOfCsv } from './tags.js';
import { readTemplates, resolveTemplates } from './templates.js';
import { type MapTree, toValue, treeAt, valuePlace } from './tree.js';

export interface ValidateOptions {
  readonly plugins: PackagePlugins;
  /** The lock that is published: it wins over the one in the package. */
  readonly previousLock?: readonly LockLine[];
  /** Refuse a package whose own lock lacks a line (`validate --locked`). */
  readonly isLocked?: boolean;
  /** Forwarding connections whose addresses are planned anew, as if nothing had ever been forwarded. */
  readonly compact?: ReadonlySet<string>;
}

/** Checks a package, stage after stage, and resolves it. Never throws for what an author wrote. */
export function validatePackage(files: readonly PackageFile[], options: ValidateOptions): Validation {
  const report = new Report();
  const valid = run(files, options, report);
  const findings = report.findings();
  return valid && !report.hasErrors ? { findings, valid } : { findings };
}

function run(files: readonly PackageFile[], options: ValidateOptions, report: Report): Validation['valid'] {
  const read = new PackageReader(report).read(files);
  if (report.hasErrors) return undefined;
  const expander = new Expander(report, read.lists);
  const sections = new Map([...read.sections].map(([name, tree]) => [name, expander.section(name, tree)]));
  if (report.hasErrors) return undefined;
  const drafts = readDrafts({ ...read, sections }, report);
  if (report.hasErrors || !drafts.site) return undefined;
  const resolved = resolve(drafts, drafts.site, options, report);
  checkRenames(sections, report);
  if (report.hasErrors) return undefined;
  return number(resolved, read, options, report);
}

function readDrafts({ manifest, sections, tables, csv }: ReadPackage, report: Report) {
  return {
    site: readSite(manifest, report),
    models: readModels(sections.get('models'), report),
    protocols: readProtocols(sections.get('protocols'), report),
    connections: readConnections(sections.get('connections'), report),
    templates: readTemplates(sections.get('accessTemplates'), report),
    assets: readAssets(sections.get('assets'), report),
    sinks: readSinks(sections.get('sinks'), report),
    policies: readPolicies(sections.get('control'), report),
    forwardTemplates: readForwardTemplates(sections.get('forwardingTemplates'), csv, report),
    forwardings: readForwardings(sections.get('forwarding'), report),
    fileTasks: readFileTasks(sections.get('fileTasks'), report),
    tables: new Map([...tables].map(([id, table]) => [id, tagsOfCsv(table, report)])),
  };
}
type Drafts = ReturnType<typeof readDrafts>;

const API_VERSION = 'busbar/v1';

const siteSchema = z.strictObject({
  id: text
    .refine(isId, { params: { code: 'ID_INVALID', params: { kind: 'site', id: 'as written' } } })
    .meta({ sample: 'id: my-site' }),
  title: described.title,
  comment: described.comment,
  labels: described.labels,
  timezone: text
    .refine(isTimezone, {
      params: { code: 'FIELD_VALUE', params: { value: 'this', allowed: 'a zone such as Asia/Shanghai' } },
    })
    .meta({ sample: 'timezone: Asia/Shanghai' }),
});

function isTimezone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function readSite(manifest: MapTree | undefined, report: Report): SiteConfig | undefined {
  const version = treeAt(manifest, ['apiVersion']);
  const site = manifest?.entries.get('site');
  const place = manifest?.place ?? filePlace('busbar.yaml');
  if (!version)
    report.record('FIELD_MISSING', place, {
      params: missing('apiVersion', `apiVersion: ${API_VERSION}`),
      mark: 'apiVersion',
    });
  else if (toValue(version) !== API_VERSION) {
    const value = version.kind === 'scalar' ? String(version.value) : 'a map or list';
    report.add('PACKAGE_API_VERSION', version.place, { version: value });
  }
  if (!site) {
    const sample = 'site: { id: my-site, timezone: Asia/Shanghai }';
    report.record('FIELD_MISSING', place, { params: missing('site', sample), mark: 'site' });
    return undefined;
  }
  const subject = { kind: 'site', id: 'of the package', place: site.keyPlace, tree: site.value };
  const value = checkShape(siteSchema, subject, report);
  if (!value) return undefined;
  return { kind: 'site', id: value.id, title: value.title ?? value.id, timezone: value.timezone };
}

function resolve(drafts: Drafts, site: SiteConfig, { plugins }: ValidateOptions, report: Report): Resolved {
  const models = resolveModels(drafts.models, report);
  const modelIds = new Set(drafts.models.keys());
  const templates = resolveTemplates(drafts.templates, { models, named: modelIds }, report);
  const { tables, protocols } = drafts;
  const access = drafts.connections.filter((draft) => !isFileConnection(draft));
  const connections = new ConnectionResolver({ drafts: access, protocols, tables, plugins }, report).resolve();
  const deviceIds = new Set(drafts.connections.flatMap(({ devices }) => devices.map(({ subject }) => subject.id)));
  const broken = { templates: new Set(drafts.templates.keys()), devices: deviceIds, models: modelIds };
  const parts = { drafts: drafts.assets, models, templates, connections, broken };
  const assets: Asset[] = new AssetResolver(parts, report).resolve();
  const scope = { assets, models: modelIds, isPartial: report.hasErrors };
  const files = resolveFiles(
    {
      connections: drafts.connections.filter(isFileConnection),
      tasks: drafts.fileTasks,
      assets,
      site,
      isPartial: scope.isPartial,
    },
    report,
  );
  const named = new Set([...tables.keys(), ...deviceIds]);
  const sinks = new SinkResolver(
    { site: site.id, scope, tables: named, plugins, filePoints: files.points },
    report,
  ).resolve(drafts.sinks);
  const readOnly = new Set(connections.filter((one) => one.readOnly).map(({ id }) => id));
  const sources = drafts.sinks.map(({ subject, value }) => ({ id: subject.id, control: value.control ?? false }));
  const external = forwardSources(drafts.forwardings);
  const policies = resolvePolicies(drafts.policies, { scope, sinks: sources, external, readOnly }, report);
  const taken = new Map(
    [...drafts.connections, ...drafts.sinks].map(({ subject }) => [subject.id.toLowerCase(), subject.place]),
  );
  const forwardParts = { templates: drafts.forwardTemplates, models, named: modelIds, scope, policies, plugins, taken };
  const forwardings = new ForwardingResolver(forwardParts, report).resolve(drafts.forwardings);
  return { site, connections, assets, sinks, files: files.connections, policies, forwardings, tables };
}

/** `was` names something that is gone; for tags and points their own tables look. */
function checkRenames(sections: ReadonlyMap<Section, MapTree>, report: Report): void {
  const check = (map: MapTree): void => {
    for (const { value } of map.entries.values()) {
      const was = treeAt(value, ['was']);
      if (was?.kind !== 'scalar' || typeof was.value !== 'string' || !map.entries.has(was.value)) continue;
      report.add('RENAME_SOURCE', was.place, { id: was.value });
    }
  };
  for (const name of SECTIONS) {
    const section = sections.get(name);
    if (!section) continue;
    check(section);
    if (NOUNS[name] !== 'connection') continue;
    for (const { value } of section.entries.values()) {
      const devices = treeAt(value, ['devices']);
      if (devices?.kind === 'map') check(devices);
    }
  }
}

function number(
  resolved: Resolved,
  { lock }: ReadPackage,
  { previousLock, isLocked, compact = new Set() }: ValidateOptions,
  report: Report,
): Validation['valid'] {
  const own = lock ? readLock(lock, report) : [];
  if (report.hasErrors) return undefined;
  const numbering = new Numbering(own.filter(isNumber), previousLock?.filter(isNumber));
  checkFrozen(resolved, new Numbering((previousLock ?? own).filter(isNumber)), report);
  const locks = { own, published: previousLock, compact };
  const forwarded = planForwardings(resolved.forwardings, locks, report);
  if (report.hasErrors) return undefined;
  const configuration = new ConfigurationBuilder(resolved, numbering, forwarded.plans).build();
  const lines = sortLock([...numbering.lines(), ...forwarded.lines]);
  if (isLocked && formatLock(lines) !== formatLock(own)) {
    const known = new Set(own.map((line) => Object.values(line).join()));
    const count = lines.filter((line) => !known.has(Object.values(line).join())).length;
    report.add('LOCK_STALE', filePlace(LOCK_FILE), { count });
    return undefined;
  }
  return { configuration, lock: lines };
}

/** Numbers of tags and points; addresses are kept by rules of their own. */
function isNumber({ kind }: LockLine): boolean {
  return kind === 'tag' || kind === 'point';
}

/** A published point keeps its type: history under one id must not change its meaning. */
function checkFrozen({ assets }: Resolved, published: Numbering, report: Report): void {
  const models = new Set(assets.map(({ model }) => model));
  for (const { id, was } of models) if (was !== undefined) published.renameScope('point', was, id);
  for (const model of models) {
    for (const { id, type, fields, subject } of model.points.values()) {
      const before = published.lockedType({ kind: 'point', scope: model.id, id, type, was: fields.was });
      if (before === undefined || before === type) continue;
      const params = { point: id, before, after: type };
      report.add('MODEL_TYPE_FROZEN', valuePlace(subject.tree, ['type'], subject.place), params);
    }
  }
}
