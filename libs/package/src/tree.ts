import type { Place } from './place.js';

/** What a YAML file says, each part with its place in the author's text. */
export type Tree = ScalarTree | MapTree | ListTree;

export interface ScalarTree {
  readonly kind: 'scalar';
  readonly value: string | number | boolean;
  /** As written, where YAML made something else of it: `000102030425` for the number 102030425. */
  readonly source?: string;
  /** From a placeholder: number (`value`) or text (`source`), whichever is wanted there. */
  readonly isLoose?: boolean;
  readonly place: Place;
}

export interface MapTree {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, TreeEntry>;
  readonly place: Place;
}

export interface TreeEntry {
  readonly keyPlace: Place;
  readonly value: Tree;
}

export interface ListTree {
  readonly kind: 'list';
  readonly items: readonly Tree[];
  readonly place: Place;
}

export type Path = readonly (string | number)[];

/** The plain value; at `textPaths` (joined by `/`) loose scalars are their text. */
export function toValue(tree: Tree, textPaths?: ReadonlySet<string>, path = ''): unknown {
  switch (tree.kind) {
    case 'scalar':
      return tree.isLoose && textPaths?.has(path) ? tree.source : tree.value;
    case 'list':
      return tree.items.map((item, index) => toValue(item, textPaths, `${path}/${index}`));
    case 'map': {
      const value: Record<string, unknown> = {};
      for (const [key, entry] of tree.entries) value[key] = toValue(entry.value, textPaths, `${path}/${key}`);
      return value;
    }
  }
}

/** The part at a path; undefined if there is none. */
export function treeAt(tree: Tree | undefined, path: Path): Tree | undefined {
  let current = tree;
  for (const step of path) {
    if (current?.kind === 'map') current = current.entries.get(String(step))?.value;
    else if (current?.kind === 'list') current = current.items[Number(step)];
    else return undefined;
  }
  return current;
}

/** The place of the value at a path, else of the deepest part that is there. */
export function valuePlace(tree: Tree, path: Path, fallback = tree.place): Place {
  let current: Tree | undefined = tree;
  let place = fallback;
  for (const step of path) {
    if (current?.kind === 'map') current = current.entries.get(String(step))?.value;
    else if (current?.kind === 'list') current = current.items[Number(step)];
    else break;
    if (!current) break;
    place = current.place;
  }
  return place;
}

/** The place of the key at the end of the path, else of the deepest part that is there. */
export function keyPlace(tree: Tree, path: Path, fallback = tree.place): Place {
  const parent = treeAt(tree, path.slice(0, -1));
  const last = path.at(-1);
  if (parent?.kind === 'map' && last !== undefined) {
    const entry = parent.entries.get(String(last));
    if (entry) return entry.keyPlace;
  }
  return valuePlace(tree, path, fallback);
}

export function looseScalars(tree: Tree, path = ''): string[] {
  switch (tree.kind) {
    case 'scalar':
      return tree.isLoose ? [path] : [];
    case 'list':
      return tree.items.flatMap((item, index) => looseScalars(item, `${path}/${index}`));
    case 'map':
      return [...tree.entries].flatMap(([key, entry]) => looseScalars(entry.value, `${path}/${key}`));
  }
}
