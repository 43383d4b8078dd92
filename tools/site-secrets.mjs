// First start: random secrets for what the package's EnOS sink names, and the same list for the cloud stand-in.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { Plain } from './prepare.mjs';

export function readPackage(folder) {
  const files = [];
  const walk = (at) => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      const path = join(at, entry.name);
      if (entry.isDirectory()) walk(path);
      else files.push({ path: relative(folder, path).split(sep).join('/'), content: readFileSync(path) });
    }
  };
  try {
    walk(folder);
  } catch (error) {
    throw new Plain(`The package folder ${folder} cannot be read (${error.code}). Name another one by BUSBAR_PACKAGE.`);
  }
  return files;
}

function secretOf({ folder, make }, reference) {
  const name = reference.slice('secret:'.length);
  const path = join(folder, name);
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, `${make ? make(name) : randomBytes(16).toString('hex')}\n`, { mode: 0o600 });
  }
  return readFileSync(path, 'utf8').trim();
}

/**
 * Does nothing for a package that has errors: the product itself reports them, with line and column.
 * `make` gives a secret by its name; without it they are random.
 */
export async function writeSiteSecrets({ data, folder, env, make = undefined }) {
  const { loadPlugins } = await import('../apps/api/dist/plugins.js');
  const { validatePackage } = await import('../libs/package/dist/index.js');
  const { valid } = validatePackage(readPackage(folder), { plugins: await loadPlugins() });
  if (!valid) return;
  const secrets = { folder: env.BUSBAR_SECRETS || join(data, 'secrets'), make };
  const devices = [];
  for (const connection of valid.configuration.connections) {
    if (connection.kind !== 'sink' || connection.sink !== 'enos') continue;
    const gateway = connection.with;
    if (typeof gateway.deviceSecret !== 'string' || !gateway.deviceSecret.startsWith('secret:')) continue;
    const { productKey, deviceKey } = gateway;
    devices.push({ productKey, deviceKey, deviceSecret: secretOf(secrets, gateway.deviceSecret), gateway: true });
    for (const { identity } of connection.assets) {
      if (!identity.deviceSecret?.startsWith('secret:')) continue;
      const deviceSecret = secretOf(secrets, identity.deviceSecret);
      devices.push({ productKey: identity.productKey, deviceKey: identity.deviceKey, deviceSecret, parent: deviceKey });
    }
  }
  const list = env.BUSBAR_CLOUD_DEVICES || join(data, 'cloud-devices.json');
  mkdirSync(dirname(list), { recursive: true });
  writeFileSync(list, `${JSON.stringify({ devices }, null, 2)}\n`, { mode: 0o600 });
}
