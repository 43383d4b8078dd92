import { BusbarError } from '@busbar/errors';
import { type CsvTable, readCsv } from './csv-reader.js';
import { SourceText } from './place.js';
import { Report } from './report.js';
import type { LockLine } from './result.js';

const HEADER = '# busbar.lock: written by Busbar; commit it, never edit it';
const COLUMNS = ['kind', 'scope', 'number', 'id', 'type', 'state'] as const;
const UNBUILT_KINDS: ReadonlySet<string> = new Set(['plugin', 'base']);

/** The lines of a lock file; what is wrong with it is reported. */
export function readLock(source: SourceText, report: Report): LockLine[] {
  const table = readCsv(source, source.text.length, report);
  if (!table) return [];
  if (table.columns.join() !== COLUMNS.join()) {
    const params = { column: table.columns.join(), problem: 'is no header of a lock', columns: COLUMNS.join() };
    report.add('CSV_COLUMN', table.place(-1, 0), params);
    return [];
  }
  const numbers = new Set<string>();
  const ids = new Set<string>();
  return table.rows.flatMap((cells, row): LockLine[] => {
    if (cells.length !== COLUMNS.length) return [];
    const line = lineOf(table, row, report);
    if (!line) return [];
    const { kind, scope, number, id, state } = line;
    const key = `${kind} ${scope} ${number}`;
    if (numbers.has(key)) report.add('LOCK_NUMBER', table.place(row, 2), { number, scope });
    numbers.add(key);
    const name = `${kind} ${scope} ${numberClass(number)} ${id}`;
    // A type that was changed leaves a dead address of the same id.
    if (kind === 'address' && state === 'retired') return [line];
    if (ids.has(name)) report.add('ID_DUPLICATE', table.place(row, 3), { kind, id, place: `the lock of ${scope}` });
    ids.add(name);
    return [line];
  });
}

function lineOf(table: CsvTable, row: number, report: Report): LockLine | undefined {
  const [kind = '', scope = '', number = '', id = '', type = '', state = ''] = table.rows[row] ?? [];
  const refuse = (column: number, value: string, allowed: string): undefined => {
    report.add('FIELD_VALUE', table.place(row, column), { value, field: COLUMNS[column] ?? '', allowed });
    return undefined;
  };
  if (UNBUILT_KINDS.has(kind)) {
    report.add('NOT_BUILT', table.place(row, 0), { thing: `a lock line of kind ${kind}` });
    return undefined;
  }
  if (!isLockKind(kind)) return refuse(0, kind, 'tag, point, address or index');
  const isForwarding = kind === 'address' || kind === 'index';
  if (scope === '') return refuse(1, scope, 'a table, device, model or forwarding connection');
  if (!(isForwarding ? /^(?:0|[1-9]\d{0,8})$/ : /^[1-9]\d{0,8}$/).test(number)) {
    return refuse(2, number, `a whole number from ${isForwarding ? 0 : 1}`);
  }
  if (kind === 'address' && !isAddressLine(scope, id, type))
    return refuse(3, id, 'an address as `busbar lock` writes it');
  if (id === '') return refuse(3, id, 'an id');
  if (state !== '' && state !== 'retired') return refuse(5, state, 'nothing or retired');
  return { kind, scope, number: Number(number), id, type, state };
}

function isLockKind(kind: string): kind is LockLine['kind'] {
  return kind === 'tag' || kind === 'point' || kind === 'address' || kind === 'index';
}

/** A class, with a station perhaps; an asset and its point, reserved or free place, or a service point. */
function isAddressLine(scope: string, id: string, type: string): boolean {
  if (!/^[^/]+\/[A-Za-z]+(?:@\d{1,5})?$/.test(scope) || type === '') return false;
  if (/^[^/]+\/spare\.\d+$/.test(id)) return /^[1-9]\d{0,4}$/.test(type);
  return /^(?:@[a-z.]+(?:\/[^/]+)?|[^/@][^/]*\/[^/]+)$/.test(id);
}

/** Throws PACKAGE_LOCK when the text is no lock. */
export function parseLock(text: string): readonly LockLine[] {
  const report = new Report();
  const lines = readLock(new SourceText('busbar.lock', text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n')), report);
  const [finding] = report.findings();
  if (finding) throw new BusbarError('PACKAGE_LOCK', { line: finding.line, code: finding.code });
  return lines;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export function sortLock(lines: readonly LockLine[]): LockLine[] {
  return [...lines].sort(
    (a, b) => compare(a.kind, b.kind) || compare(a.scope, b.scope) || a.number - b.number || compare(a.id, b.id),
  );
}

/** The text of busbar.lock: `parseLock` gives the same lines again. */
export function formatLock(lines: readonly LockLine[]): string {
  const rows = sortLock(lines).map(({ kind, scope, number, id, type, state }) =>
    [kind, scope, number, id, type, state].join(','),
  );
  return `${[HEADER, COLUMNS.join(), ...rows].join('\n')}\n`;
}

/** Numbers of a device's own tags follow this one, those of a point table lie below. */
export const OWN_TAGS_AFTER = 1_000_000;

/** Own tags of a device and the table of the same name are numbered apart. */
export function numberClass(number: number): 'own' | 'table' {
  return number > OWN_TAGS_AFTER ? 'own' : 'table';
}
