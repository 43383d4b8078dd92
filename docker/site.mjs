// Lays out a site for containers. Arguments are name=value:
//   package=<folder>   from where; several with a comma. `a__b.csv` becomes a/b.csv (a ConfigMap has no folders)
//   to=<folder>        the package, as plain files
//   replace=<a>=><b>   in every file; may be said several times
//   secrets=<folder>   writes what the package's EnOS sinks name, derived from seed=<file>: for a stand-in only
//   devices=<file>     the same secrets as list for the stand-in
import { createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { failed, Plain } from '../tools/prepare.mjs';
import { writeSiteSecrets } from '../tools/site-secrets.mjs';

function filesOf(folder, below = '') {
  return readdirSync(join(folder, below)).flatMap((name) => {
    if (name.startsWith('.')) return [];
    const path = below === '' ? name : `${below}/${name}`;
    return statSync(join(folder, path)).isDirectory() ? filesOf(folder, path) : [path];
  });
}

function layOut(folders, to, replacements) {
  for (const folder of folders) {
    for (const path of filesOf(folder)) {
      const target = join(to, path.replaceAll('__', '/'));
      mkdirSync(dirname(target), { recursive: true });
      let text = readFileSync(join(folder, path), 'utf8');
      for (const [from, into] of replacements) text = text.replaceAll(from, into);
      writeFileSync(target, text);
    }
  }
}

async function main() {
  const pairs = process.argv.slice(2).map((argument) => argument.split(/=(.*)/s, 2));
  const given = Object.fromEntries(pairs);
  if (!given.package) throw new Plain('Name the package: package=<folder>.');
  const folders = given.package.split(',');
  const work = mkdtempSync(join(tmpdir(), 'site-'));
  const to = given.to ?? work;
  const replacements = pairs.filter(([name]) => name === 'replace').map(([, pair]) => pair.split('=>'));
  layOut(folders, to, replacements);
  if (given.secrets || given.devices) {
    const seed = given.seed ? readFileSync(given.seed) : undefined;
    const make = seed && ((path) => createHmac('sha256', seed).update(path).digest('hex').slice(0, 32));
    const secrets = given.secrets ?? join(work, 'secrets');
    const devices = given.devices ?? join(work, 'devices.json');
    await writeSiteSecrets({
      data: work,
      folder: to,
      env: { BUSBAR_SECRETS: secrets, BUSBAR_CLOUD_DEVICES: devices },
      make,
    });
  }
  rmSync(work, { recursive: true, force: true });
}

main().catch(failed);
