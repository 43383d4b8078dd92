import type { AssetConfig } from '@busbar/events';
import { compileMapping, type Mapping } from '@busbar/mapping';
import type { AppliedGeneration } from '@busbar/service-kit';

/** One asset that a device feeds, and how. */
export interface Route {
  readonly asset: string;
  readonly mapping: Mapping;
  /** Points of the asset's model. */
  readonly pointCount: number;
}

export interface RouteFailure {
  readonly asset: string;
  readonly error: unknown;
}

export interface Routes {
  readonly generation: number;
  /** By device id. A device without an entry is known and feeds nothing; an unknown one is not in `devices`. */
  readonly byDevice: ReadonlyMap<string, readonly Route[]>;
  readonly failures: readonly RouteFailure[];
}

/** Compiles a generation: one mapping per pair of access template and point table, shared by all devices alike. */
export function compileRoutes({ number, configuration }: AppliedGeneration): Routes {
  const tables = new Map(configuration.tables.map((table) => [table.digest, table]));
  const models = new Map(configuration.models.map((model) => [model.id, model]));
  const templates = new Map(configuration.templates.map((template) => [template.id, template]));
  const tableOf = new Map<string, string>();
  for (const connection of configuration.connections) {
    if (connection.kind !== 'access') continue;
    for (const device of connection.devices) tableOf.set(device.id, device.table);
  }
  const compiled = new Map<string, Mapping>();
  const byDevice = new Map<string, Route[]>([...tableOf.keys()].map((device) => [device, []]));
  const failures: RouteFailure[] = [];
  const mappingOf = (asset: AssetConfig, templateId: string, digest: string): Mapping => {
    const key = `${templateId} ${digest}`;
    let mapping = compiled.get(key);
    if (!mapping) {
      const template = templates.get(templateId);
      const table = tables.get(digest);
      const model = models.get(asset.model);
      if (!template || !table || !model) throw new Error(`${asset.id}: template, table or model is missing`);
      mapping = compileMapping({ template, model, table });
      compiled.set(key, mapping);
    }
    return mapping;
  };
  for (const asset of configuration.assets) {
    for (const { template, device } of asset.from) {
      const digest = tableOf.get(device);
      if (digest === undefined) continue;
      try {
        const mapping = mappingOf(asset, template, digest);
        const pointCount = models.get(asset.model)?.points.length ?? 0;
        byDevice.get(device)?.push({ asset: asset.id, mapping, pointCount });
      } catch (error) {
        failures.push({ asset: asset.id, error });
      }
    }
  }
  return { generation: number, byDevice, failures };
}
