// Reads the sources of a tree: which files there are, what each imports, what it exports and declares.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { parseSync } from 'oxc-parser';

const SOURCE = /\.(ts|tsx|mts|mjs|js)$/;

/** Specs and what only they use: `test-*.ts`, contract suites, fixtures, configuration of the test runner. */
export function isTest(path) {
  return /(\.spec\.tsx?|cluster-spec\.ts|-contract\.ts|\.config\.ts|(^|\/)test-[a-z0-9-]+\.tsx?)$|\/(testing|simulator)\//.test(
    path,
  );
}

/** Programs that stand for other people's: they know nothing of our projects and keep none of their rules. */
const FOREIGN = /^examples\/nest-subscriber\//;

/** Tracked and new files, or in a tree that is no checkout (a plant) every file. */
export function listFiles(root, isPlant) {
  if (!isPlant) {
    const git = spawnSync('git', ['ls-files', '-co', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    if (git.status === 0) {
      return git.stdout
        .split('\n')
        .filter((path) => path !== '' && !FOREIGN.test(path) && existsSync(join(root, path)));
    }
  }
  const found = [];
  const walk = (folder) => {
    for (const name of readdirSync(folder)) {
      if (name === 'node_modules' || name === 'dist' || name === '.git' || name === '.nx' || name === '.cache')
        continue;
      const path = join(folder, name);
      if (statSync(path).isDirectory()) walk(path);
      else found.push(relative(root, path).split(sep).join('/'));
    }
  };
  walk(root);
  return found;
}

function lineOf(text, offset) {
  let line = 1;
  for (let i = 0; i < offset; i++) if (text.charCodeAt(i) === 10) line++;
  return line;
}

/** Visits every node of a syntax tree. */
function walk(node, visit) {
  if (Array.isArray(node)) {
    for (const item of node) walk(item, visit);
    return;
  }
  if (node === null || typeof node !== 'object') return;
  if (typeof node.type === 'string') visit(node);
  for (const [key, value] of Object.entries(node)) {
    if (key !== 'parent' && value !== null && typeof value === 'object') walk(value, visit);
  }
}

function literal(node) {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node?.type === 'TemplateLiteral' && node.expressions.length === 0) return node.quasis[0].value.cooked;
  return undefined;
}

const isMember = (node, object, property) =>
  node?.type === 'MemberExpression' && node.object?.name === object && node.property?.name === property;

function importOf(node) {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
      return { how: 'static', specifier: literal(node.source) };
    case 'ExportNamedDeclaration':
      return node.source ? { how: 'static', specifier: literal(node.source) } : undefined;
    case 'TSImportType':
      return { how: 'type', specifier: literal(node.source ?? node.argument?.literal ?? node.argument) };
    case 'ImportExpression':
      return { how: 'dynamic', specifier: literal(node.source) };
    case 'CallExpression':
      if (node.callee?.name === 'require') return { how: 'require', specifier: literal(node.arguments[0]) };
      if (node.callee?.name === 'createRequire') return { how: 'createRequire', specifier: 'createRequire' };
      if (isMember(node.callee, 'vi', 'mock') || isMember(node.callee, 'vi', 'doMock')) {
        return { how: 'mock', specifier: literal(node.arguments[0]) };
      }
      return undefined;
    default:
      return undefined;
  }
}

/** A function's name, parameters, and whether others can call it; `open` are the nodes that an export declares. */
function functionShape(node, open) {
  const isExported = open.has(node);
  if (node.type === 'FunctionDeclaration' || node.type === 'TSDeclareFunction') {
    return { name: node.id?.name ?? 'function', params: node.params, isExported };
  }
  if (node.type === 'MethodDefinition' || node.type === 'TSAbstractMethodDefinition') {
    const isConstructor = node.kind === 'constructor';
    return { name: node.key?.name ?? 'method', params: node.value.params, isConstructor, isExported };
  }
  if (node.type === 'VariableDeclarator' && /^(ArrowFunction|Function)Expression$/.test(node.init?.type ?? '')) {
    return { name: node.id?.name ?? 'function', params: node.init.params, isExported };
  }
  return undefined;
}

/** What an export makes callable for others: the function, its class's methods but the private and overriding ones. */
function openedBy(node) {
  const declaration = node.type === 'ExportNamedDeclaration' ? node.declaration : undefined;
  if (!declaration) return [];
  if (declaration.type === 'ClassDeclaration') {
    const isOpen = ({ key, accessibility, override }) =>
      key?.type !== 'PrivateIdentifier' && accessibility !== 'private' && !override;
    return declaration.body.body.filter(isOpen);
  }
  return [declaration, ...(declaration.declarations ?? [])];
}

function exportedNames(node) {
  if (node.type !== 'ExportNamedDeclaration') return [];
  const names = node.specifiers.map((specifier) => specifier.exported?.name ?? specifier.exported?.value);
  const declaration = node.declaration;
  if (declaration?.id?.name) names.push(declaration.id.name);
  for (const declarator of declaration?.declarations ?? []) if (declarator.id?.name) names.push(declarator.id.name);
  return names.filter((name) => typeof name === 'string');
}

export function parseSource(root, path) {
  const text = readFileSync(join(root, path), 'utf8');
  const { program, errors } = parseSync(path, text);
  const source = {
    path,
    text,
    errors: errors.map((e) => e.message),
    imports: [],
    functions: [],
    exports: [],
    env: [],
    strings: [],
  };
  const open = new Set();
  walk(program, (node) => {
    for (const opened of openedBy(node)) open.add(opened);
    const line = () => lineOf(text, node.start);
    const found = importOf(node);
    if (found) source.imports.push({ ...found, line: line() });
    const shape = functionShape(node, open);
    if (shape) source.functions.push({ ...shape, line: line() });
    for (const name of exportedNames(node)) source.exports.push({ name, line: line() });
    if (isMember(node, 'process', 'env')) source.env.push({ line: line() });
    const string = literal(node);
    if (string !== undefined) source.strings.push({ value: string, line: line(), start: node.start });
  });
  return source;
}

/** Every project (a folder with a package.json below the top one) by its folder. */
export function listProjects(root, files) {
  return files
    .filter((path) => path.endsWith('/package.json') && !path.includes('/simulator/package.json'))
    .map((path) => {
      const manifest = JSON.parse(readFileSync(join(root, path), 'utf8'));
      return { folder: dirname(path), name: manifest.name, tags: manifest.nx?.tags ?? [], manifest };
    });
}

export function readTree(root, isPlant = false) {
  const files = listFiles(root, isPlant);
  const inPlants = (path) => path.startsWith('tools/checks/plants/');
  const paths = files.filter((path) => SOURCE.test(path) && !path.endsWith('.d.ts') && !inPlants(path));
  const sources = paths.map((path) => parseSource(root, path));
  const projects = listProjects(
    root,
    files.filter((path) => !inPlants(path)),
  );
  const topPath = join(root, 'package.json');
  const top = existsSync(topPath) ? JSON.parse(readFileSync(topPath, 'utf8')) : {};
  return { root, isPlant, files: files.filter((path) => !inPlants(path)), sources, projects, top };
}

export function projectOf(tree, path) {
  return tree.projects
    .filter((project) => path.startsWith(`${project.folder}/`))
    .sort((a, b) => b.folder.length - a.folder.length)[0];
}
