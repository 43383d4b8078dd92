import { checkKeys } from './ids.js';
import { LIMITS } from './limits.js';
import { listed } from './nearest.js';
import type { Place } from './place.js';
import {
  cellParameter,
  type FillOptions,
  fillPlaceholders,
  type Parameters,
  type ParameterValue,
  type PlaceholderProblem,
  scalarParameter,
} from './placeholders.js';
import type { Report } from './report.js';
import type { MapTree, ScalarTree, Tree, TreeEntry } from './tree.js';

/** Row of an `each`. */
type Row = ReadonlyMap<string, ParameterValue>;

const NONE: Parameters = new Map();

/** Reads a CSV that an `each` names; undefined if there is none, or none that can be read. */
export type ListReader = (path: string) => { readonly rows: readonly Row[] } | 'missing' | 'unreadable';

interface Scope {
  readonly parameters: Parameters;
  /** Section and fields, each id as a star. */
  readonly path: string;
  /** Within an exception to what `each` made: `remove: true` is meant for that, not for this map. */
  readonly isException?: boolean;
}

/** Maps whose entries may be made by `each`, with the word for one of them. */
const CONTAINERS: ReadonlyMap<string, string> = new Map([
  ['models', 'model'],
  ['models/*/points', 'point'],
  ['protocols', 'protocol'],
  ['connections', 'connection'],
  ['connections/*/devices', 'device'],
  ['connections/*/devices/*/tags', 'tag'],
  ['accessTemplates', 'access template'],
  ['accessTemplates/*/map', 'entry'],
  ['assets', 'asset'],
  ['sinks', 'sink'],
  ['sinks/*/assets', 'asset'],
  ['control', 'policy'],
  ['forwardingTemplates', 'forwarding template'],
  ['forwarding', 'forwarding connection'],
  ['forwarding/*/assets', 'asset'],
]);

/** Filled once device, asset or message are known, not here. */
const LATER: FillOptions = { leavesUnknown: true };
function optionsAt(path: string): FillOptions {
  return path.startsWith('sinks/') || path === 'connections/*/devices/*/tags/*/address' ? LATER : {};
}

export class Expander {
  readonly #report: Report;
  readonly #lists: ListReader;
  #made = 0;

  constructor(report: Report, lists: ListReader) {
    this.#report = report;
    this.#lists = lists;
  }

  /** Every `each` of a section made into its entries, exceptions merged over them, removed ones taken out. */
  section(name: string, tree: MapTree): MapTree {
    return this.#map(tree, { parameters: NONE, path: name });
  }

  #tree(tree: Tree, scope: Scope): Tree {
    switch (tree.kind) {
      case 'scalar':
        return this.#scalar(tree, scope);
      case 'list':
        return { ...tree, items: tree.items.map((item) => this.#tree(item, scope)) };
      case 'map':
        return this.#map(tree, scope);
    }
  }

  #map(tree: MapTree, scope: Scope): MapTree {
    const noun = CONTAINERS.get(scope.path);
    const inner = (key: string): string => `${scope.path}/${noun === undefined ? key : '*'}`;
    const entries = new Map<string, TreeEntry>();
    if (noun === undefined) {
      for (const [key, { keyPlace, value }] of tree.entries) {
        entries.set(key, { keyPlace, value: this.#tree(value, { ...scope, path: inner(key) }) });
      }
      return { ...tree, entries };
    }
    const own: [string, TreeEntry][] = [];
    for (const [key, entry] of tree.entries) {
      if (entry.value.kind === 'map' && entry.value.entries.has('each')) {
        this.#each(key, entry, { parameters: scope.parameters, path: inner(key) }, noun, entries);
      } else {
        own.push([key, entry]);
      }
    }
    const made = new Set(entries.keys());
    for (const [key, { keyPlace, value }] of own) {
      const id = this.#text(key, keyPlace, scope.parameters, {});
      if (id === undefined) continue;
      const before = entries.get(id);
      const isException = scope.isException === true || before !== undefined;
      const filled = this.#tree(value, { ...scope, path: inner(key), isException });
      if (isRemoval(filled) && scope.isException && !before) {
        entries.set(id, { keyPlace, value: filled });
      } else if (isRemoval(filled)) {
        if (!made.has(id)) this.#report.add('REMOVE_UNKNOWN', keyPlace, { id });
        entries.delete(id);
      } else if (before && !made.has(id)) {
        const { line } = before.keyPlace.position();
        this.#report.add('ID_DUPLICATE', keyPlace, { kind: noun, id, place: `line ${line}` });
      } else {
        entries.set(id, { keyPlace, value: before ? this.#merged(before.value, filled) : filled });
      }
    }
    checkKeys(entries, noun, this.#report);
    return { ...tree, entries };
  }

  #each(key: string, entry: TreeEntry, scope: Scope, noun: string, into: Map<string, TreeEntry>): void {
    const body = entry.value as MapTree;
    const each = body.entries.get('each') as TreeEntry;
    const rows = this.#rows(each, scope.parameters);
    if (!rows) return;
    this.#made += rows.length;
    if (rows.length < 1 || rows.length > LIMITS.eachRows) {
      this.#report.add('EACH_SIZE', each.value.place, { rows: rows.length });
      return;
    }
    if (this.#made > LIMITS.expanded) {
      const params = { thing: 'what `each` makes', actual: `${this.#made} entries`, limit: `${LIMITS.expanded}` };
      this.#report.add('PACKAGE_LIMIT', each.value.place, params);
      return;
    }
    const rest = new Map(body.entries);
    rest.delete('each');
    const template: MapTree = { ...body, entries: rest };
    for (const row of rows) {
      const parameters = new Map([...scope.parameters, ...row]);
      const id = this.#text(key, entry.keyPlace, parameters, {});
      if (id === undefined) return;
      if (into.has(id)) {
        const place = 'another row of an `each`';
        this.#report.add('ID_DUPLICATE', entry.keyPlace, { kind: noun, id, place });
        continue;
      }
      into.set(id, { keyPlace: entry.keyPlace, value: this.#map(template, { parameters, path: scope.path }) });
    }
  }

  /** Maps merge by key; scalars and lists are replaced. */
  #merged(made: Tree, exception: Tree): Tree {
    if (made.kind !== 'map' || exception.kind !== 'map') return exception;
    const entries = new Map(made.entries);
    for (const [key, entry] of exception.entries) {
      const before = entries.get(key);
      if (!isRemoval(entry.value)) {
        entries.set(key, before ? { ...entry, value: this.#merged(before.value, entry.value) } : entry);
      } else if (!entries.delete(key)) {
        this.#report.add('REMOVE_UNKNOWN', entry.keyPlace, { id: key });
      }
    }
    return { ...exception, entries };
  }

  #rows(each: TreeEntry, parameters: Parameters): readonly Row[] | undefined {
    const { value } = each;
    const refuse = (text: string): undefined => {
      const allowed = 'a range such as 1..40, a list, or a CSV such as lists/loggers.csv';
      this.#report.add('FIELD_VALUE', value.place, { value: text, field: 'each', allowed });
      return undefined;
    };
    if (value.kind === 'map') return refuse('a map');
    if (value.kind === 'list') {
      const items = value.items.map((item) => this.#tree(item, { parameters, path: 'each' }));
      if (!items.every((item): item is ScalarTree => item.kind === 'scalar')) return refuse('a list of maps or lists');
      return items.map((item) => new Map([['item', scalarParameter(item.value)]]));
    }
    const text = this.#text(String(value.source ?? value.value), value.place, parameters, {});
    if (text === undefined) return undefined;
    const range = /^(-?\d{1,9})\.\.(-?\d{1,9})$/.exec(text);
    if (range) {
      const [from, to] = [Number(range[1]), Number(range[2])];
      const size = to - from + 1;
      if (size < 1 || size > LIMITS.eachRows) {
        this.#report.add('EACH_SIZE', value.place, { rows: Math.max(0, size) });
        return undefined;
      }
      return Array.from({ length: size }, (_, index) => rangeRow(from + index));
    }
    if (!text.endsWith('.csv')) return refuse(text);
    const list = this.#lists(text);
    if (list === 'unreadable') return undefined;
    if (list === 'missing') {
      this.#report.add('REFERENCE_UNKNOWN', value.place, {
        kind: 'list',
        id: text,
        suggestion: 'a CSV of this package',
      });
      return undefined;
    }
    return list.rows;
  }

  #scalar(tree: ScalarTree, { parameters, path }: Scope): Tree {
    if (typeof tree.value !== 'string' || !tree.value.includes('$')) return tree;
    const filled = fillPlaceholders(tree.value, parameters, optionsAt(path));
    if ('problem' in filled) {
      this.#problem(filled.problem, tree.place, parameters);
      return tree;
    }
    const { whole, text } = filled;
    if (whole?.number === undefined) return { ...tree, value: text };
    return { ...tree, value: whole.number, source: text, isLoose: true };
  }

  #text(text: string, place: Place, parameters: Parameters, options: FillOptions): string | undefined {
    const filled = fillPlaceholders(text, parameters, options);
    if (!('problem' in filled)) return filled.text;
    this.#problem(filled.problem, place, parameters);
    return undefined;
  }

  #problem(problem: PlaceholderProblem, place: Place, parameters: Parameters): void {
    if (problem.kind === 'unknown') {
      const known = listed([...parameters.keys()].map((name) => `$${name}`));
      this.#report.add('PARAM_UNKNOWN', place, { name: `$${problem.name}`, known });
    } else if (problem.kind === 'syntax') {
      const expected = 'numbers, parameters and + - * / % ( )';
      this.#report.add('FORMULA_SYNTAX', place, { rest: problem.rest, expected });
    } else {
      this.#report.add('PARAM_VALUE', place, { name: problem.name, value: problem.value, rule: 'a finite number' });
    }
  }
}

function rangeRow(n: number): Row {
  const padded = (width: number): ParameterValue => {
    const text = `${n < 0 ? '-' : ''}${String(Math.abs(n)).padStart(width, '0')}`;
    return { text, number: n };
  };
  return new Map([
    ['n', padded(1)],
    ['nn', padded(2)],
    ['nnn', padded(3)],
  ]);
}

export function listRows(columns: readonly string[], rows: readonly (readonly string[])[]): readonly Row[] {
  return rows.map((row) => new Map(columns.map((name, column) => [name, cellParameter(row[column] ?? '')])));
}

function isRemoval(tree: Tree): boolean {
  if (tree.kind !== 'map') return false;
  const remove = tree.entries.get('remove')?.value;
  return remove?.kind === 'scalar' && remove.value === true;
}
