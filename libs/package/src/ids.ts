import type { Report } from './report.js';
import type { TreeEntry } from './tree.js';

const ID = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;
const VERSIONED = /^(.+)@([A-Za-z0-9][A-Za-z0-9_.+-]{0,63})$/;

export function isId(text: string): boolean {
  return ID.test(text);
}

/** `string-inverter@1.3.0` in its parts. */
export function splitVersion(text: string): { readonly id: string; readonly version?: string } {
  const match = VERSIONED.exec(text);
  return match ? { id: match[1] ?? text, version: match[2] ?? '' } : { id: text };
}

/** Ids have the form of an id and differ in more than their case. */
export function checkKeys(entries: ReadonlyMap<string, TreeEntry>, kind: string, report: Report): void {
  const folded = new Map<string, string>();
  for (const [key, { keyPlace }] of entries) {
    const id = kind === 'protocol' ? splitVersion(key).id : key;
    if (!isId(id)) report.add('ID_INVALID', keyPlace, { kind, id: key });
    const lower = key.toLowerCase();
    const other = folded.get(lower);
    if (other !== undefined) report.add('ID_CASE', keyPlace, { a: other, b: key });
    folded.set(lower, key);
  }
}
