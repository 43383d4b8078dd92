// node tools/images/collect.mjs <folder>: copies what the services need to run out of a built tree, and nothing else.
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { failed, Plain, root } from '../prepare.mjs';

/** Read while running, by the path in the tree. */
const BESIDES = [
  'package.json',
  'LICENSE',
  'NOTICE',
  'apps/console/dist/app',
  'libs/store/empty-database',
  'examples/pv-site',
  'e2e/counting',
  'docker/site.mjs',
  'tools/prepare.mjs',
  'tools/site-secrets.mjs',
];

/** In packages of others, what no program opens: types, maps, pages, the browser's copy. */
const UNREAD = /\.(d\.[cm]?ts|[cm]?ts|map|md|markdown|flow)$|^(readme|changelog|history)(\.\w+)?$/i;
const UNREAD_FOLDERS = new Set(['test', 'tests', '__tests__', 'docs', 'example', 'examples', '.github', 'browser']);
/** Extensions of PGlite that nothing loads, and LMDB's binaries of other Nodes. */
const UNUSED = /@electric-sql\/pglite\/dist\/(.*\.tar\.gz|.*\.cjs)$|@lmdb\/[^/]+\/node\.abi\d+\.|\.musl\.node$/;

const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** The folder that Node would load `name` from, seen from `folder`. */
function found(folder, name) {
  for (let at = folder; ; at = dirname(at)) {
    const path = join(at, 'node_modules', name);
    if (existsSync(join(path, 'package.json'))) return path;
    if (at === root || dirname(at) === at) return undefined;
  }
}

function copyOwn(folder, out) {
  const to = join(out, relative(root, folder));
  mkdirSync(to, { recursive: true });
  cpSync(join(folder, 'package.json'), join(to, 'package.json'));
  const built = join(folder, 'dist');
  if (!existsSync(built)) throw new Plain(`${relative(root, folder)} is not built.`);
  cpSync(built, join(to, 'dist'), { recursive: true, filter: (path) => !/\.(d\.ts(\.map)?|tsbuildinfo)$/.test(path) });
}

function copyForeign(path, out) {
  const keeps = (from) => {
    const inside = relative(path, from);
    if (inside === '') return true;
    const name = basename(from);
    if (name === 'node_modules' || UNUSED.test(from)) return false;
    if (dirname(inside) === '.' && UNREAD_FOLDERS.has(name)) return false;
    return !UNREAD.test(name);
  };
  cpSync(path, join(out, relative(root, path)), { recursive: true, filter: keeps });
}

/** Copies a package and all that it depends on in production; each path once. */
function copyPackage(path, out, seen) {
  if (seen.has(path)) return;
  seen.add(path);
  const real = realpathSync(path);
  const isOwn = !relative(root, real).startsWith('node_modules') && !real.includes('/node_modules/');
  if (isOwn && real !== path) {
    const link = join(out, relative(root, path));
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(relative(dirname(path), real), link);
    copyPackage(real, out, seen);
    return;
  }
  if (isOwn) copyOwn(path, out);
  else copyForeign(path, out);
  const {
    dependencies = {},
    optionalDependencies = {},
    peerDependencies = {},
    peerDependenciesMeta = {},
  } = manifestOf(path);
  // A peer that others bring is loaded from where it lies; an optional one is not drawn in by being present.
  const peers = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);
  for (const name of new Set([...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...peers])) {
    const at = found(path, name);
    if (at) copyPackage(at, out, seen);
    else if (dependencies[name] && !optionalDependencies[name]) {
      throw new Plain(`${relative(root, path)} needs ${name}, which is not installed.`);
    }
  }
}

/** Nobody but the owner writes; the user who runs it may read all of it. */
function protect(path) {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return;
  if (stat.isDirectory()) for (const name of readdirSync(path)) protect(join(path, name));
  chmodSync(path, stat.isDirectory() || stat.mode & 0o100 ? 0o755 : 0o644);
}

function main() {
  const out = resolve(process.argv[2] ?? '');
  if (process.argv[2] === undefined) throw new Plain('Name the folder to fill.');
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const seen = new Set();
  for (const name of readdirSync(join(root, 'apps'))) {
    const app = join(root, 'apps', name);
    if (existsSync(join(app, 'dist', 'main.js'))) copyPackage(app, out, seen);
  }
  for (const path of BESIDES) {
    if (!existsSync(join(root, path))) throw new Plain(`${path} is missing: build first.`);
    cpSync(join(root, path), join(out, path), { recursive: true });
  }
  protect(out);
  process.stdout.write(`${seen.size} packages\n`);
}

try {
  main();
} catch (error) {
  failed(error);
}
