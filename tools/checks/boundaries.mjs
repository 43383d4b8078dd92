// Who may import whom: type and scope tags, foreign packages, Node's modules, one owner per outside thing.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { isTest, projectOf } from './source.mjs';

/** Which types a type may import of ours. */
const TYPES = {
  pure: ['pure'],
  protocol: ['pure'],
  sdk: ['pure', 'sdk'],
  plugin: ['sdk', 'protocol', 'pure'],
  host: ['sdk', 'pure'],
  owner: ['pure', 'system'],
  system: [],
  kit: ['pure', 'owner'],
  catalog: ['plugin', 'sdk'],
  ui: ['ui', 'pure'],
  app: ['pure', 'protocol', 'sdk', 'host', 'owner', 'kit', 'catalog', 'ui'],
  test: ['sdk', 'protocol', 'pure', 'host', 'owner', 'test'],
};
const SCOPES = ['south', 'north', 'control', 'core', 'console', 'shared'];

/** Foreign packages by type; a function of the project where one list does not do. */
const NEST = /^(@nestjs\/|reflect-metadata$|rxjs$)/;
const OWNED = { kafkajs: 'bus', lmdb: 'bus', typeorm: 'store', pg: 'store', '@electric-sql/pglite': 'store' };
const PURE_EXTRA = { package: ['yaml', 'papaparse'], licensing: ['jose'] };
const PURE_BUILTINS = ['crypto', 'zlib', 'util'];
const IO_BUILTINS = ['net', 'tls', 'dgram', 'fs', 'fs/promises', 'http', 'https', 'http2', 'child_process', 'cluster'];
/** What the listeners of all forwarding servers share. */
const SDK_LISTENER = /^libs\/server-sdk\/src\/(client-listener|tls-gate)\.ts$/;
const BROWSER = /^(react|react-dom|react-router-dom|antd|@ant-design\/|@tanstack\/|uplot|i18next|react-i18next|zod$)/;

const shortName = (project) => project.name.replace('@busbar/', '');
const tagOf = (project, kind) =>
  project.tags.filter((tag) => tag.startsWith(`${kind}:`)).map((tag) => tag.slice(kind.length + 1));
const isBuiltin = (specifier) => specifier.startsWith('node:') || builtinModules.includes(specifier);

/** The graph that Nx works with: what its cache and `run-many` believe must be what is checked here. */
function nxProjects(root) {
  const folder = mkdtempSync(join(tmpdir(), 'busbar-graph-'));
  const file = join(folder, 'graph.json');
  try {
    const env = { ...process.env, NX_DAEMON: 'false' };
    const nx = spawnSync(join(root, 'node_modules/.bin/nx'), ['graph', `--file=${file}`], {
      cwd: root,
      env,
      encoding: 'utf8',
    });
    if (nx.status !== 0) throw new Error(`nx graph failed: ${nx.stdout}${nx.stderr}`);
    return Object.values(JSON.parse(readFileSync(file, 'utf8')).graph.nodes);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function checkGraph(tree, say) {
  if (tree.isPlant) return;
  const nodes = new Map(nxProjects(tree.root).map((node) => [node.data.root, node.data.tags ?? []]));
  for (const project of tree.projects) {
    const tags = nodes.get(project.folder);
    const file = `${project.folder}/package.json`;
    if (!tags) say(file, 1, `Nx does not know the project ${project.name}: add its folder to "workspaces".`);
    else if (project.tags.some((tag) => !tags.includes(tag)))
      say(file, 1, `Nx sees other tags on ${project.name} than its manifest.`);
  }
}

function checkTags(tree, say) {
  for (const project of tree.projects) {
    const file = `${project.folder}/package.json`;
    const [types, scopes] = [tagOf(project, 'type'), tagOf(project, 'scope')];
    if (types.length !== 1 || scopes.length !== 1) {
      say(file, 1, `${project.name} must state one type: and one scope: tag in nx.tags.`);
      continue;
    }
    if (!TYPES[types[0]]) say(file, 1, `type:${types[0]} is unknown; one of ${Object.keys(TYPES).join(', ')}.`);
    if (!SCOPES.includes(scopes[0])) say(file, 1, `scope:${scopes[0]} is unknown; one of ${SCOPES.join(', ')}.`);
  }
}

/** Why `from` may not import `to`; undefined if it may. */
function refusal(from, to, path) {
  const [fromType, toType] = [tagOf(from, 'type')[0], tagOf(to, 'type')[0]];
  const [fromScope, toScope] = [tagOf(from, 'scope')[0], tagOf(to, 'scope')[0]];
  const [fromName, toName] = [shortName(from), shortName(to)];
  const testing = isTest(path);
  if (toName === 'store' && fromName !== 'api') return 'the store is used by the api alone';
  if (fromType === 'app' && toType === 'app' && fromName !== 'standalone') return 'an app never imports another app';
  const types = [
    ...(TYPES[fromType] ?? []),
    ...(testing ? ['test', 'host'] : []),
    ...(fromName === 'standalone' ? ['app'] : []),
  ];
  if (!types.includes(toType)) return `type:${fromType} may import ${types.join(', ')}, not type:${toType}`;
  if (fromType === 'kit' && toType === 'owner' && toName !== 'bus') return 'the kit knows the bus alone';
  if (fromScope === 'console' && !testing && !['ui', 'model', 'errors', 'api-schema'].includes(toName)) {
    return 'the console imports ui, model, errors and api-schema alone';
  }
  const seesAll = ['api', 'standalone', 'e2e'].includes(fromName) || (fromScope === 'shared' && fromType === 'test');
  if (!seesAll && toScope !== 'shared' && toScope !== fromScope)
    return `scope:${fromScope} does not see scope:${toScope}`;
  return undefined;
}

function foreignRefusal(project, name, path) {
  const type = tagOf(project, 'type')[0];
  const owner = OWNED[name];
  if (owner && shortName(project) !== owner && type !== 'test') return `${name} belongs to libs/${owner}`;
  if (isTest(path) || type === 'test') return undefined;
  switch (type) {
    case 'pure':
      return name === 'zod' || PURE_EXTRA[shortName(project)]?.includes(name)
        ? undefined
        : 'a pure library uses zod alone';
    case 'protocol':
    case 'system':
    case 'catalog':
      return `type:${type} uses no foreign package`;
    case 'sdk':
    case 'host':
      return name === 'zod' ? undefined : `type:${type} uses zod alone`;
    case 'plugin':
    case 'owner':
      return NEST.test(name) && name !== 'reflect-metadata' ? `type:${type} does not know Nest` : undefined;
    case 'ui':
      return BROWSER.test(name) ? undefined : 'no server package in the browser';
    default:
      return undefined;
  }
}

function builtinRefusal(project, specifier, path) {
  const type = tagOf(project, 'type')[0];
  const name = specifier.replace(/^node:/, '');
  if (isTest(path) || type === 'test') return undefined;
  const isListener = SDK_LISTENER.test(path) && ['net', 'tls'].includes(name);
  if (['pure', 'protocol', 'sdk'].includes(type) && !PURE_BUILTINS.includes(name) && !isListener)
    return `type:${type} does no I/O`;
  if (type === 'plugin' && IO_BUILTINS.includes(name) && !/\/(client|listener)\.ts$/.test(path))
    return 'sockets and files of a plug-in live in its client.ts, of a server in its listener.ts';
  if (type === 'host' && IO_BUILTINS.includes(name)) return 'the host gets its ports by constructor';
  if (type === 'ui' || tagOf(project, 'scope')[0] === 'console') return 'no Node module in the browser';
  return undefined;
}

function packageName(specifier) {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
}

function isDeclared(tree, project, name, path) {
  const { dependencies = {}, devDependencies = {}, peerDependencies = {} } = project.manifest;
  if (name in dependencies || name in peerDependencies) return true;
  return (
    (isTest(path) || tagOf(project, 'type')[0] === 'test') &&
    (name in devDependencies || name in (tree.top.devDependencies ?? {}))
  );
}

function judgeImport(tree, project, { path }, { how, specifier, line }, say) {
  const generated = tagOf(project, 'type')[0] === 'catalog';
  if (how === 'createRequire') return say(path, line, 'createRequire hides an import: import it.');
  if (specifier === undefined) {
    if (generated) return undefined;
    return say(
      path,
      line,
      `a ${how} import with a computed name cannot be judged: write the name, or use the catalog.`,
    );
  }
  if (specifier.startsWith('.')) {
    const target = posix.normalize(posix.join(posix.dirname(path), specifier));
    const into = projectOf(tree, target);
    if (into?.folder === project.folder) return undefined;
    const outside = !into && (isTest(path) || tagOf(project, 'type')[0] === 'test');
    return outside ? undefined : say(path, line, `${specifier} leaves ${project.name}: import by package name.`);
  }
  if (isBuiltin(specifier)) {
    if (!specifier.startsWith('node:')) say(path, line, `write node:${specifier}.`);
    const why = builtinRefusal(project, specifier, path);
    return why ? say(path, line, `${specifier}: ${why}.`) : undefined;
  }
  const name = packageName(specifier);
  if (name !== project.name && !isDeclared(tree, project, name, path)) {
    say(path, line, `${name} is not declared in the manifest of ${project.name}.`);
  }
  const to = tree.projects.find((candidate) => candidate.name === name);
  if (!to) {
    const why = foreignRefusal(project, name, path);
    return why ? say(path, line, `${name}: ${why}.`) : undefined;
  }
  if (specifier !== name) return say(path, line, `${specifier} reaches into ${name}: import from its index.`);
  const why = refusal(project, to, path);
  return why ? say(path, line, `${project.name} imports ${name}: ${why}.`) : undefined;
}

function checkCycles(tree, edges, say) {
  const state = new Map();
  const visit = (name, trail) => {
    if (state.get(name) === 'done') return;
    if (state.get(name) === 'open') {
      const project = tree.projects.find((candidate) => candidate.name === name);
      say(`${project.folder}/package.json`, 1, `a cycle: ${[...trail.slice(trail.indexOf(name)), name].join(' -> ')}.`);
      return;
    }
    state.set(name, 'open');
    for (const next of edges.get(name) ?? []) visit(next, [...trail, name]);
    state.set(name, 'done');
  };
  for (const name of edges.keys()) visit(name, []);
}

export const title = 'boundaries';

export function check(tree) {
  const findings = [];
  const say = (file, line, message) => void findings.push({ file, line, message });
  checkTags(tree, say);
  checkGraph(tree, say);
  const edges = new Map();
  for (const source of tree.sources) {
    for (const message of source.errors) say(source.path, 1, `cannot be parsed: ${message}`);
    const project = projectOf(tree, source.path);
    if (!project) continue;
    if (shortName(project) !== 'service-kit' && tagOf(project, 'type')[0] !== 'test' && !isTest(source.path)) {
      for (const { line } of source.env)
        say(source.path, line, 'process.env is read by the service kit alone: add a setting.');
    }
    for (const found of source.imports) {
      judgeImport(tree, project, source, found, say);
      const to = tree.projects.find((candidate) => candidate.name === found.specifier);
      if (to && !isTest(source.path)) edges.set(project.name, (edges.get(project.name) ?? new Set()).add(to.name));
    }
  }
  checkCycles(tree, edges, say);
  return findings;
}
