// Where the test runs: the cluster of KUBECONFIG, an installed k3s, or what the script BUSBAR_KUBERNETES_NODE brings up.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Plain, root, run } from '../prepare.mjs';
import { fetchHelm, onPath } from './programs.mjs';

const K3S_CONFIG = '/etc/rancher/k3s/k3s.yaml';

/** How images come to a node that no registry serves; undefined: it fetches them itself. */
function importer(kubeconfig) {
  const given = process.env.BUSBAR_KUBERNETES_IMPORT;
  if (given) return (archive) => run('sh', ['-c', `${given} "$1"`, 'sh', archive], { what: 'The import of images' });
  const socket = join(dirname(kubeconfig), 'containerd.sock');
  const args = existsSync(socket) ? ['-a', socket, '-n', 'k8s.io', 'images', 'import'] : undefined;
  if (args) return (archive) => run('ctr', [...args, archive], { what: 'The import of images' });
  if (onPath('k3s'))
    return (archive) => run('k3s', ['ctr', 'images', 'import', archive], { what: 'The import of images' });
  return undefined;
}

/** Runs the script, which brings a node up and prints `export KUBECONFIG=<path>`; `node-down.sh` beside it ends the node. */
function startByScript(script) {
  // npm sets NODE and more of that kind, which a script would take for its own.
  const own = Object.entries(process.env).filter(([name]) => name !== 'NODE' && !name.startsWith('npm_'));
  const env = { ...Object.fromEntries(own), LAB: process.env.LAB || join(root, '.cache', 'kubernetes') };
  return new Promise((resolve, reject) => {
    const child = spawn(script, [], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      process.stdout.write(chunk);
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      const kubeconfig = /^export KUBECONFIG=(.+)$/m.exec(output)?.[1];
      if (code !== 0 || !kubeconfig) reject(new Plain(`${script} brought up no node (exit code ${code}).`));
      else resolve({ kubeconfig, env });
    });
  });
}

async function described(kubeconfig, what, stop) {
  const bin = join(dirname(dirname(kubeconfig)), 'bin');
  const kubectl = onPath('kubectl', [bin]);
  const helm = onPath('helm', [bin]) ?? (await fetchHelm('3.18'));
  if (!kubectl || !helm) throw new Plain(`${kubectl ? 'helm' : 'kubectl'} is missing: install it.`);
  const bases = join(dirname(kubeconfig), 'images', 'base.tar');
  return {
    kubeconfig,
    what,
    kubectl,
    helm,
    importImages: importer(kubeconfig),
    /** Base images as an archive, where no registry is reached. */
    bases: existsSync(bases) ? bases : undefined,
    stop,
  };
}

/** The node, or undefined where there is none; a script that brings none up has said why. */
export async function findNode() {
  const given = process.env.KUBECONFIG;
  if (given) return described(given, `the cluster of ${given}`, async () => undefined);
  if (onPath('k3s') && existsSync(K3S_CONFIG)) return described(K3S_CONFIG, 'k3s', async () => undefined);
  const script = process.env.BUSBAR_KUBERNETES_NODE;
  if (!script) return undefined;
  if (!existsSync(script)) throw new Plain(`BUSBAR_KUBERNETES_NODE names ${script}, which is not there.`);
  const started = await startByScript(script).catch((error) => {
    process.stdout.write(`${error.message}\n`);
    return undefined;
  });
  if (!started) return undefined;
  const { kubeconfig, env } = started;
  const down = join(dirname(script), 'node-down.sh');
  const stop = async () => {
    if (existsSync(down)) await run(down, [], { env, what: 'The end of the node' });
  };
  return described(kubeconfig, `a node by ${script}`, stop);
}
