import { DRIVERS } from '@busbar/driver-catalog';
import { driverCheck } from '@busbar/driver-sdk';
import type { PackagePlugins } from '@busbar/package';
import { SINKS } from '@busbar/sink-catalog';
import { sinkCheck } from '@busbar/sink-sdk';

async function checks<Plugin, Check>(
  catalog: Readonly<Record<string, () => Promise<Plugin>>>,
  check: (plugin: Plugin) => Check,
): Promise<Map<string, Check>> {
  const entries = Object.entries(catalog).map(async ([id, load]) => [id, check(await load())] as const);
  return new Map(await Promise.all(entries));
}

/** What the validation of a package asks of every installed driver and sink. */
export async function loadPlugins(): Promise<PackagePlugins> {
  return { drivers: await checks(DRIVERS, driverCheck), sinks: await checks(SINKS, sinkCheck) };
}
