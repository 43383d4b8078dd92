import type { ControlDirectory, ControlPoint, WriteRefusal } from '@busbar/arbitration';
import { isBusbarError } from '@busbar/errors';
import {
  type AccessConnectionConfig,
  type AssetConfig,
  type ConnectionConfig,
  type ControlValue,
  type ModelConfig,
  type PointConfig,
  type PolicyConfig,
  type TagWrite,
} from '@busbar/events';
import { compileMapping, isMappingRefusal, type Mapping } from '@busbar/mapping';
import { pointPath, splitPointPath } from '@busbar/model';
import type { AppliedGeneration } from '@busbar/service-kit';

interface Feed {
  readonly mapping: Mapping;
  readonly connection: AccessConnectionConfig;
  readonly device: string;
}

/** A generation as decisions need it. Points are worked out when they are first asked for: few of many are ever commanded. */
export function compileDirectory({ number, configuration }: AppliedGeneration): ControlDirectory {
  const tables = new Map(configuration.tables.map((table) => [table.digest, table]));
  const models = new Map(configuration.models.map((model) => [model.id, model]));
  const templates = new Map(configuration.templates.map((template) => [template.id, template]));
  const assets = new Map(configuration.assets.map((asset) => [asset.id, asset]));
  const connections = new Map<string, AccessConnectionConfig>();
  for (const connection of configuration.connections) {
    if (connection.kind === 'access') connections.set(connection.id, connection);
  }
  const commanders = new Set(configuration.connections.flatMap(commandersOf));
  const policies = policiesByPoint(configuration.policies);
  const mappings = new Map<string, Mapping>();
  const known = new Map<string, ControlPoint>();

  const feedsOf = (asset: AssetConfig, model: ModelConfig): Feed[] =>
    asset.from.flatMap(({ template: templateId, connection: connectionId, device }) => {
      const connection = connections.get(connectionId);
      const digest = connection?.devices.find((candidate) => candidate.id === device)?.table ?? '';
      const [template, table] = [templates.get(templateId), tables.get(digest)];
      if (!connection || !template || !table) return [];
      const key = JSON.stringify([templateId, digest, model.id]);
      const mapping = mappings.get(key) ?? compileMapping({ template, model, table });
      mappings.set(key, mapping);
      return [{ mapping, connection, device }];
    });

  /** None where the configuration does not fit together: the point is not controllable then, and the others are. */
  const writingFeed = (asset: AssetConfig, model: ModelConfig, point: string): Feed | undefined => {
    try {
      return feedsOf(asset, model).find(({ mapping }) => mapping.writablePoints.includes(point));
    } catch (error) {
      if (isBusbarError(error, 'MAPPING_INCONSISTENT')) return undefined;
      throw error;
    }
  };

  const compilePoint = (path: string): ControlPoint | undefined => {
    const parts = splitPointPath(path);
    const asset = parts && assets.get(parts.asset);
    const model = asset && models.get(asset.model);
    const point = model?.points.find((candidate) => candidate.id === parts?.point);
    if (!asset || !model || !point) return undefined;
    const feed = writingFeed(asset, model, point.id);
    const policy = policies.get(path) ?? policies.get('default');
    return controlPoint({ path, point, feed, policy });
  };

  return {
    generation: number,
    point: (path) => {
      const point = known.get(path) ?? compilePoint(path);
      // Paths that lead nowhere are of any number.
      if (point) known.set(path, point);
      return point;
    },
    mayCommand: (source) => {
      const [kind] = source.split(':', 1);
      return kind === 'operator' || kind === 'busbar' || kind === 'app' || commanders.has(source);
    },
  };
}

/** Sources outside that may command: sinks, and clients of forwarding connections, that are allowed to. */
function commandersOf(connection: ConnectionConfig): string[] {
  if (connection.kind === 'sink') return connection.control ? [`cloud:${connection.id}`] : [];
  if (connection.kind !== 'forwarding' || !connection.control) return [];
  return connection.clients.filter(({ control }) => control).map(({ source }) => `external:${source}`);
}

function policiesByPoint(policies: readonly PolicyConfig[]): Map<string, PolicyConfig> {
  const byPoint = new Map<string, PolicyConfig>();
  for (const policy of policies) {
    if (policy.id === 'default') byPoint.set('default', policy);
    for (const { asset, point } of policy.points) byPoint.set(pointPath(asset, point), policy);
  }
  return byPoint;
}

function controlPoint(parts: {
  readonly path: string;
  readonly point: PointConfig;
  readonly feed: Feed | undefined;
  readonly policy: PolicyConfig | undefined;
}): ControlPoint {
  const { path, point, feed, policy } = parts;
  const writes = (value: ControlValue): readonly TagWrite[] | WriteRefusal => {
    if (!feed) return { rule: 'NOT_CONTROLLABLE', reason: `${path} is written through no device` };
    const target = feed.mapping.toTagWrite(point.id, value);
    if (isMappingRefusal(target)) return target;
    const wanted = policy?.feedback;
    const seen = wanted ? feed.mapping.feedback(point.id, value, wanted.tolerance) : null;
    const feedback = wanted && seen ? { ...seen, expected: [...seen.expected], withinMs: wanted.withinMs } : undefined;
    return [{ point: path, device: feed.device, ...target, ...(feedback ? { feedback } : {}) }];
  };
  return {
    access: point.access,
    type: point.type,
    ...(point.range ? { range: point.range } : {}),
    ...(policy ? { policy } : {}),
    ...(feed ? { connection: feed.connection.id } : {}),
    isReadOnly: feed?.connection.readOnly ?? true,
    writes,
  };
}
