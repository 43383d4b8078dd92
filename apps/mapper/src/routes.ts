import type { AssetConfig } from '@busbar/events';
import { compileMapping, type Mapping } from '@busbar/mapping';
import type { AppliedGeneration } from '@busbar/service-kit';

/** One asset that a device feeds, and how. */
export interface Route {
  readonly asset: string;
  readonly mapping: Mapping;
}

export interface RouteFailure {
  readonly asset: string;
  readonly error: unknown;
}

export interface Routes {
  readonly generation: number;
  /** By device id. A device without an entry is unknown; one with an empty list is known and feeds nothing. */
  readonly byDevice: ReadonlyMap<string, readonly Route[]>;
  /** Model of each asset. */
  readonly models: ReadonlyMap<string, string>;
  readonly failures: readonly RouteFailure[];
}

/** Compiles a generation: one mapping per access template, point table and model, shared by all devices alike. */
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
  const mappingOf = (asset: AssetConfig, templateId: string, device: string): Mapping => {
    const digest = tableOf.get(device) ?? '';
    // The model too: an asset's own may add to that of its template, and numbers are the model's.
    const key = JSON.stringify([templateId, digest, asset.model]);
    let mapping = compiled.get(key);
    if (!mapping) {
      const template = templates.get(templateId);
      const table = tables.get(digest);
      const model = models.get(asset.model);
      if (!template || !table || !model) {
        throw new Error(`${asset.id}: template, model, device ${device} or its table is missing`);
      }
      mapping = compileMapping({ template, model, table });
      compiled.set(key, mapping);
    }
    return mapping;
  };
  for (const asset of configuration.assets) {
    for (const { template, device } of asset.from) {
      try {
        const mapping = mappingOf(asset, template, device);
        byDevice.get(device)?.push({ asset: asset.id, mapping });
      } catch (error) {
        failures.push({ asset: asset.id, error });
      }
    }
  }
  const modelOf = new Map(configuration.assets.map((asset) => [asset.id, asset.model]));
  return { generation: number, byDevice, models: modelOf, failures };
}
