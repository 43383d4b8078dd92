// npm run airgap [out=dist/airgap] [base=<archive>]: chart, images as one archive, checksums and one install script, for a site without a registry.
// Images of Kafka and PostgreSQL are fetched from their registry, or taken from the archive `base`.
import { createHash } from 'node:crypto';
import { chmodSync, createReadStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { fetchHelm, onPath } from '../kubernetes/programs.mjs';
import { failed, Plain, root, run } from '../prepare.mjs';
import { buildBusbar, fullName, hasImage, pullFromArchive, saveImages } from './build.mjs';

const CHART = join(root, 'charts', 'busbar');

const INSTALL = `#!/bin/sh
# Installs or upgrades Busbar from this folder, without a registry: ./install.sh [options of helm], for example -f site.yaml
set -eu
cd "$(dirname "$0")"
namespace="\${NAMESPACE:-busbar}"
release="\${RELEASE:-busbar}"
if [ -n "\${KUBECONFIG:-}" ]; then :; elif [ -r /etc/rancher/k3s/k3s.yaml ]; then export KUBECONFIG=/etc/rancher/k3s/k3s.yaml; fi
sha256sum -c --quiet SHA256SUMS
# IMPORT names a command that takes the archive, where the node is not k3s: IMPORT="ctr -n k8s.io images import"
\${IMPORT:-k3s ctr images import} images.tar
if command -v helm >/dev/null 2>&1; then helm=helm; else helm=./helm; fi
exec "$helm" upgrade --install "$release" busbar-*.tgz --namespace "$namespace" --create-namespace --wait --timeout 10m "$@"
`;

async function sha256(file) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}

async function fetchImages(images, base) {
  for (const image of images) {
    if (hasImage(image) || (base && (await pullFromArchive(base, image)))) continue;
    await run('buildah', ['pull', '--quiet', fullName(image)], { what: `The image ${image}` });
  }
}

async function main() {
  const given = Object.fromEntries(process.argv.slice(2).map((argument) => argument.split(/=(.*)/s, 2)));
  const out = resolve(given.out ?? join(root, 'dist', 'airgap'));
  const base = given.base && resolve(given.base);
  const { version, appVersion } = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'));
  const { kafka, postgresql, image } = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8'));
  const helm = (await fetchHelm('3.18')) ?? onPath('helm');
  if (!helm) throw new Plain('helm is missing: install it.');
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const tag = `${image.repository}:${appVersion}`;
  const outside = [kafka.image, postgresql.image];
  await Promise.all([buildBusbar({ tag, base }), fetchImages(outside, base)]);
  await saveImages([tag, ...outside.map((name) => ({ tag: fullName(name), as: name }))], join(out, 'images.tar'));
  await run(helm, ['package', CHART, '--destination', out]);
  writeFileSync(join(out, 'helm'), readFileSync(helm), { mode: 0o755 });
  writeFileSync(join(out, 'install.sh'), INSTALL);
  chmodSync(join(out, 'install.sh'), 0o755);
  const files = [`busbar-${version}.tgz`, 'images.tar', 'install.sh', 'helm'];
  const sums = await Promise.all(files.map(async (name) => `${await sha256(join(out, name))}  ${name}\n`));
  writeFileSync(join(out, 'SHA256SUMS'), sums.join(''));
  process.stdout.write(`${out}: ${files.join(', ')}, SHA256SUMS\n`);
}

main().catch(failed);
