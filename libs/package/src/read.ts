import { type CsvTable, readCsv } from './csv-reader.js';
import { type ListReader, listRows } from './expand.js';
import { LIMITS } from './limits.js';
import { suggestion } from './nearest.js';
import { filePlace, SourceText } from './place.js';
import type { Report } from './report.js';
import type { PackageFile } from './result.js';
import type { MapTree, TreeEntry } from './tree.js';
import { readYaml } from './yaml-reader.js';

export const SECTIONS = [
  'models',
  'protocols',
  'connections',
  'accessTemplates',
  'assets',
  'sinks',
  'control',
  'forwardingTemplates',
  'forwarding',
  'fileTasks',
] as const;
export type Section = (typeof SECTIONS)[number];

const UNBUILT_SECTIONS: ReadonlySet<string> = new Set(['triggers']);
const MANIFEST_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'site']);
const UNBUILT_MANIFEST_FIELDS: ReadonlySet<string> = new Set(['extends', 'params']);
const MANIFEST = 'busbar.yaml';
export const LOCK_FILE = 'busbar.lock';

/** A package as its files say it, one map per section. */
export interface ReadPackage {
  /** Root of busbar.yaml. */
  readonly manifest: MapTree | undefined;
  readonly sections: ReadonlyMap<Section, MapTree>;
  /** Point table by id. */
  readonly tables: ReadonlyMap<string, CsvTable>;
  readonly lists: ListReader;
  /** Any CSV of the package by its path. */
  csv(path: string): CsvTable | 'missing' | 'unreadable';
  readonly lock: SourceText | undefined;
}

/** Stages read and merge. */
export class PackageReader {
  readonly #report: Report;
  readonly #sections = new Map<Section, { tree: MapTree; entries: Map<string, TreeEntry> }>();
  readonly #tables = new Map<string, CsvTable>();
  readonly #sources = new Map<string, { readonly source: SourceText; readonly bytes: number }>();
  readonly #csv = new Map<string, CsvTable | undefined>();
  #manifest: MapTree | undefined;

  constructor(report: Report) {
    this.#report = report;
  }

  read(files: readonly PackageFile[]): ReadPackage {
    const sorted = this.#accepted(files);
    if (!sorted.some(({ path }) => path === MANIFEST)) {
      this.#report.add('PACKAGE_MANIFEST', filePlace(MANIFEST), {});
    }
    for (const file of sorted) this.#file(file);
    const lock = this.#sources.get(LOCK_FILE)?.source;
    const sections = new Map([...this.#sections].map(([name, { tree, entries }]) => [name, { ...tree, entries }]));
    return {
      manifest: this.#manifest,
      sections,
      tables: this.#tables,
      lists: (path) => this.#list(path),
      csv: (path) => this.#named(path),
      lock,
    };
  }

  #accepted(files: readonly PackageFile[]): PackageFile[] {
    const bytes = files.reduce((sum, { content }) => sum + content.length, 0);
    const tooMany = files.length > LIMITS.files;
    if (tooMany || bytes > LIMITS.packageBytes) {
      const actual = tooMany ? `${files.length} files` : `${bytes} octets`;
      const limit = `${tooMany ? LIMITS.files : LIMITS.packageBytes}`;
      this.#report.add('PACKAGE_LIMIT', filePlace(MANIFEST), { thing: 'the package', actual, limit });
      return [];
    }
    const isHidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('.') && part !== '..');
    const seen = new Set<string>();
    return files
      .filter(({ path }) => {
        if (isUnsafe(path) || seen.has(path)) {
          this.#report.add('PACKAGE_PATH', filePlace(path), { path });
          return false;
        }
        seen.add(path);
        return !isHidden(path);
      })
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  #file({ path, content }: PackageFile): void {
    const add = (code: 'NOT_BUILT' | 'PACKAGE_FILE', params: Record<string, string>): void =>
      this.#report.add(code, filePlace(path), params);
    if (path.startsWith('env/')) add('NOT_BUILT', { thing: `the overlay ${path}` });
    else if (path.endsWith('.pack')) add('NOT_BUILT', { thing: `the driver pack ${path}` });
    else if (path.endsWith('.yml')) add('PACKAGE_FILE', { file: path, name: `${path.slice(0, -4)}.yaml` });
    else if (path === LOCK_FILE || path.endsWith('.csv')) {
      const source = this.#decode(path, content);
      if (!source) return;
      this.#sources.set(path, { source, bytes: content.length });
      const table = /^points\/([^/]+)\.csv$/.exec(path)?.[1];
      if (table !== undefined) this.#table(table, path);
    } else if (path.endsWith('.yaml')) {
      const source = this.#decode(path, content);
      const root = source && readYaml(source, content.length, this.#report);
      if (root) this.#root(path, root);
      else if (path === MANIFEST && source && !this.#report.hasErrors) {
        this.#report.add('FIELD_MISSING', filePlace(path), missing('apiVersion', 'apiVersion: busbar/v1'));
      }
    }
  }

  #decode(path: string, content: Uint8Array): SourceText | undefined {
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(content);
      return new SourceText(path, text.replace(/\r\n?/g, '\n'));
    } catch {
      const { line, column } = firstBadOctet(content);
      const place = { file: path, key: path, position: () => ({ line, column }) };
      this.#report.add('PACKAGE_ENCODING', place, { file: path });
      return undefined;
    }
  }

  #table(id: string, path: string): void {
    const other = [...this.#tables.keys()].find((known) => known.toLowerCase() === id.toLowerCase());
    if (other !== undefined) this.#report.add('ID_CASE', filePlace(path), { a: other, b: id });
    const table = this.#readCsv(path);
    if (table) this.#tables.set(id, table);
  }

  #readCsv(path: string): CsvTable | undefined {
    const found = this.#sources.get(path);
    if (!found) return undefined;
    if (!this.#csv.has(path)) this.#csv.set(path, readCsv(found.source, found.bytes, this.#report));
    return this.#csv.get(path);
  }

  #named(path: string): CsvTable | 'missing' | 'unreadable' {
    return this.#sources.has(path) ? (this.#readCsv(path) ?? 'unreadable') : 'missing';
  }

  #list(path: string): ReturnType<ListReader> {
    const table = this.#named(path);
    return typeof table === 'string' ? table : { rows: listRows(table.columns, table.rows) };
  }

  #root(path: string, root: MapTree): void {
    const isManifest = path === MANIFEST;
    if (isManifest) this.#manifest = root;
    for (const [name, entry] of root.entries) {
      if (isManifest && MANIFEST_FIELDS.has(name)) continue;
      if (UNBUILT_SECTIONS.has(name) || (isManifest && UNBUILT_MANIFEST_FIELDS.has(name))) {
        this.#report.add('NOT_BUILT', entry.keyPlace, { thing: `the section ${name}` });
      } else if (isSection(name)) {
        this.#merge(name, entry);
      } else {
        const known = isManifest ? [...MANIFEST_FIELDS, ...SECTIONS] : SECTIONS;
        this.#report.add('SECTION_UNKNOWN', entry.keyPlace, { section: name, sections: suggestion(name, known) });
      }
    }
  }

  #merge(name: Section, { value }: TreeEntry): void {
    if (value.kind !== 'map') {
      const params = { field: name, wanted: 'a map of ids', actual: value.kind === 'list' ? 'a list' : 'a value' };
      this.#report.add('FIELD_TYPE', value.place, { ...params, example: `${name}: { my-id: { .. } }` });
      return;
    }
    const known = this.#sections.get(name);
    if (!known) {
      this.#sections.set(name, { tree: value, entries: new Map(value.entries) });
      return;
    }
    for (const [id, entry] of value.entries) {
      const first = known.entries.get(id);
      if (first) {
        const place = `${first.keyPlace.file}:${first.keyPlace.position().line}`;
        this.#report.add('ID_DUPLICATE', entry.keyPlace, { kind: NOUNS[name], id, place });
      } else {
        known.entries.set(id, entry);
      }
    }
  }
}

export const NOUNS: Readonly<Record<Section, string>> = {
  models: 'model',
  protocols: 'protocol',
  connections: 'connection',
  accessTemplates: 'access template',
  assets: 'asset',
  sinks: 'sink',
  control: 'policy',
  forwardingTemplates: 'forwarding template',
  forwarding: 'forwarding connection',
  fileTasks: 'file task',
};

/** Parameters of FIELD_MISSING for the manifest. */
export function missing(field: string, sample: string): Record<string, string> {
  return { kind: 'the file', id: 'busbar.yaml', field, sample };
}

function isSection(name: string): name is Section {
  return (SECTIONS as readonly string[]).includes(name);
}

function isUnsafe(path: string): boolean {
  return (
    path === '' || path.startsWith('/') || path.includes('\\') || path.includes('\0') || path.split('/').includes('..')
  );
}

/** Where the first octet stands that is no UTF-8. */
function firstBadOctet(content: Uint8Array): { line: number; column: number } {
  let low = 0;
  let high = content.length;
  const isGood = (length: number): boolean => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(content.subarray(0, length), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (isGood(middle)) low = middle;
    else high = middle - 1;
  }
  const before = new TextDecoder('utf-8').decode(content.subarray(0, low), { stream: true });
  const lines = before.split(/\r\n|\r|\n/);
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
