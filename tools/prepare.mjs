// Installs and builds what is missing. Plain JavaScript that an old Node can parse, so that it can say which Node it wants.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** An error whose message is all that a person needs. */
export class Plain extends Error {}

export function requireNode() {
  const parts = process.versions.node.split('.').map(Number);
  if (parts[0] > 20 || (parts[0] === 20 && parts[1] >= 19)) return;
  throw new Plain(
    `Busbar needs Node 20.19 or newer, this is ${process.versions.node}. Install a newer Node and start again.`,
  );
}

/** Runs a program, its output kept for the case that it fails; `show` passes it on at once. */
export function run(command, args, options) {
  const settings = options || {};
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: settings.cwd || root,
      env: settings.env || process.env,
      stdio: settings.show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-20000);
    };
    if (child.stdout) child.stdout.on('data', keep);
    if (child.stderr) child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Plain(`${settings.what || `${command} ${args.join(' ')}`} failed:\n${output}`));
    });
  });
}

function progress(text) {
  const started = Date.now();
  process.stdout.write(`${text} ... `);
  const tick = process.stdout.isTTY ? setInterval(() => process.stdout.write('.'), 2000) : undefined;
  return (word) => {
    clearInterval(tick);
    process.stdout.write(`${word} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
  };
}

function checkWritable() {
  try {
    accessSync(root, constants.W_OK);
  } catch (error) {
    throw new Plain(`The folder ${root} cannot be written (${error.code}). Give this user write access to it.`);
  }
}

function lockDigest() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

async function install() {
  const stamp = join(root, 'node_modules', '.busbar-installed');
  const wanted = lockDigest();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const done = progress('Installing packages (once, about a minute)');
  try {
    await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { what: 'npm ci' });
  } catch (error) {
    done('failed');
    throw new Plain(`${error.message}\nCheck the network and the free space, then start again.`);
  }
  writeFileSync(stamp, wanted);
  done('done');
}

/** Digest over name, size and time of every source below a folder: cheap, and right as long as clocks are. */
function treeDigest(folders) {
  const hash = createHash('sha256');
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name === 'node_modules' || entry.name === 'dist') continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else {
        const { size, mtimeMs } = statSync(path);
        hash.update(`${path} ${size} ${mtimeMs}\n`);
      }
    }
  };
  for (const folder of folders) walk(join(root, folder));
  return hash.digest('hex');
}

/** One step whose result stands until a source below `folders` changes, or `result` is gone. */
async function step(name, text, { folders, result }, work) {
  const stamp = join(root, 'node_modules', '.cache', 'busbar', name);
  const wanted = `${treeDigest(folders)} ${lockDigest()}`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && (!result || existsSync(join(root, result))))
    return;
  const done = progress(text);
  try {
    await work();
  } catch (error) {
    done('failed');
    throw error;
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
  done('done');
}

async function build() {
  await step('build', 'Building', { folders: ['apps', 'libs'] }, () =>
    run('npx', ['tsc', '-b'], { what: 'The build' }),
  );
  await step(
    'console',
    'Building the console',
    {
      folders: ['apps/console', 'libs/ui', 'libs/api-schema', 'libs/errors', 'libs/model'],
      result: 'apps/console/dist/app',
    },
    () => run('npm', ['run', 'build', '-w', '@busbar/console'], { what: 'The build of the console' }),
  );
  await step(
    'database',
    'Making the empty database',
    { folders: ['libs/store/src'], result: 'libs/store/empty-database' },
    () => run('npm', ['run', 'empty-database', '-w', '@busbar/store'], { what: 'The creation of the empty database' }),
  );
}

/** Everything up to a built tree; quiet when nothing is to do. */
export async function prepare() {
  requireNode();
  checkWritable();
  await install();
  await build();
}

/** Ends the program with one sentence for a Plain error, with the stack for any other. */
export function failed(error) {
  process.stderr.write(`${error instanceof Plain ? error.message : error.stack || String(error)}\n`);
  process.exit(1);
}
