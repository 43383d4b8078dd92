import { DRIVERS } from '@busbar/driver-catalog';
import { driverCheck } from '@busbar/driver-sdk';
import type { PackagePlugins } from '@busbar/package';
import { SERVERS } from '@busbar/server-catalog';
import { serverCheck } from '@busbar/server-sdk';
import { SINKS } from '@busbar/sink-catalog';
import { sinkCheck } from '@busbar/sink-sdk';

async function checks<Plugin, Check>(
  catalog: Readonly<Record<string, () => Promise<Plugin>>>,
  check: (plugin: Plugin) => Check,
): Promise<Map<string, Check>> {
  const entries = Object.entries(catalog).map(async ([id, load]) => [id, check(await load())] as const);
  return new Map(await Promise.all(entries));
}

/** What the validation of a package asks of every installed driver, sink and server. */
export async function loadPlugins(): Promise<PackagePlugins> {
  const [drivers, sinks, servers] = await Promise.all([
    checks(DRIVERS, driverCheck),
    checks(SINKS, sinkCheck),
    checks(SERVERS, serverCheck),
  ]);
  return { drivers, sinks, servers };
}
