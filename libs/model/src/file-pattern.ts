/** What one place of a name may be. */
type Part =
  | { readonly kind: 'any' }
  | { readonly kind: 'run' }
  | { readonly kind: 'one'; readonly text: string }
  | { readonly kind: 'set'; readonly isNot: boolean; readonly ranges: readonly (readonly [number, number])[] };

const MAX_ALTERNATIVES = 64;

/** Why a text is no pattern. */
class Malformed extends Error {}

function parseSet(text: readonly string[], start: number): { readonly part: Part; readonly next: number } {
  let at = start;
  const isNot = text[at] === '!' || text[at] === '^';
  if (isNot) at++;
  const ranges: [number, number][] = [];
  while (text[at] !== ']' || ranges.length === 0) {
    const low = text[at];
    if (low === undefined) throw new Malformed('[ has no ]');
    const high = text[at + 1] === '-' && text[at + 2] !== ']' ? text[at + 2] : undefined;
    const [from, to] = [low.codePointAt(0) as number, (high ?? low).codePointAt(0) as number];
    if (from > to) throw new Malformed(`${low}-${high} runs backwards`);
    ranges.push([from, to]);
    at += high === undefined ? 1 : 3;
  }
  return { part: { kind: 'set', isNot, ranges }, next: at + 1 };
}

function parse(text: readonly string[]): Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at++] as string;
    if (char === '*') {
      if (parts.at(-1)?.kind !== 'run') parts.push({ kind: 'run' });
    } else if (char === '?') parts.push({ kind: 'any' });
    else if (char === '[') {
      const { part, next } = parseSet(text, at);
      parts.push(part);
      at = next;
    } else if (char === '\\') {
      const literal = text[at++];
      if (literal === undefined) throw new Malformed('it ends with \\');
      parts.push({ kind: 'one', text: literal });
    } else parts.push({ kind: 'one', text: char });
  }
  return parts;
}

/** `{a,b}` written out. */
function alternatives(text: readonly string[]): readonly (readonly string[])[] {
  let done: string[][] = [[]];
  let at = 0;
  const append = (all: readonly (readonly string[])[]): void => {
    done = done.flatMap((head) => all.map((tail) => [...head, ...tail]));
    if (done.length > MAX_ALTERNATIVES) throw new Malformed(`it has more than ${MAX_ALTERNATIVES} alternatives`);
  };
  while (at < text.length) {
    const char = text[at++] as string;
    if (char === '\\') append([[char, ...text.slice(at, ++at)]]);
    else if (char === '[') {
      const { next } = parseSet(text, at);
      append([[char, ...text.slice(at, next)]]);
      at = next;
    } else if (char === '{') {
      const end = text.indexOf('}', at);
      const inner = text.slice(at, end);
      if (end < 0) throw new Malformed('{ has no }');
      if (inner.includes('{')) throw new Malformed('{ stands inside of {');
      append(splitAt(inner, ','));
      at = end + 1;
    } else append([[char]]);
  }
  return done;
}

function splitAt(text: readonly string[], separator: string): string[][] {
  const lists: string[][] = [[]];
  for (const char of text) {
    if (char === separator) lists.push([]);
    else lists.at(-1)?.push(char);
  }
  return lists;
}

function fits(part: Part, char: string): boolean {
  if (part.kind === 'one') return part.text === char;
  if (part.kind !== 'set') return true;
  const code = char.codePointAt(0) as number;
  return part.ranges.some(([low, high]) => code >= low && code <= high) !== part.isNot;
}

/** Goes back to the last `*` only, so that the time is at most the product of both lengths. */
function matches(parts: readonly Part[], name: readonly string[]): boolean {
  let part = 0;
  let at = 0;
  let run = -1;
  let from = 0;
  while (at < name.length) {
    const here = parts[part];
    if (here?.kind === 'run') {
      run = part++;
      from = at;
    } else if (here && fits(here, name[at] as string)) {
      part++;
      at++;
    } else if (run >= 0) {
      part = run + 1;
      at = ++from;
    } else return false;
  }
  while (parts[part]?.kind === 'run') part++;
  return part === parts.length;
}

/**
 * A pattern of file names, case-sensitive: `*` any run, `?` one character, `[a-z]`, `[!a]`, `{cfg,dat}`, `\` takes the next
 * as it is. Names are compared in Unicode's composed form (NFC), for devices write accents in two ways.
 */
export class FilePattern {
  readonly text: string;
  readonly #ways: readonly (readonly Part[])[];

  /** Throws a TypeError that says why the text is no pattern; see {@link filePatternProblem}. */
  constructor(text: string) {
    this.text = text;
    try {
      this.#ways = alternatives([...text.normalize('NFC')]).map(parse);
    } catch (error) {
      throw new TypeError(error instanceof Malformed ? error.message : String(error), { cause: error });
    }
  }

  /** The one name that fits, if there is no other. */
  get exact(): string | undefined {
    const [way, other] = this.#ways;
    if (!way || other) return undefined;
    return way.every((part) => part.kind === 'one')
      ? way.map((part) => (part as { text: string }).text).join('')
      : undefined;
  }

  matches(name: string): boolean {
    const chars = [...name.normalize('NFC')];
    return this.#ways.some((way) => matches(way, chars));
  }
}

/** Why a text is no pattern; undefined when it is one. */
export function filePatternProblem(text: string): string | undefined {
  if (text === '') return 'it is empty';
  if (text.includes('/')) return 'a pattern names files of one folder and has no /';
  try {
    new FilePattern(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Is this part of a path a pattern of folders? Only `*` and `?` make it one: brackets stand in names of real folders. */
export function isFolderPattern(part: string): boolean {
  return /[*?]/.test(part);
}

/** The part of a path in front of its first pattern; the path itself if it has none. */
export function fixedFolder(path: string): string {
  const parts = path.split('/');
  const at = parts.findIndex(isFolderPattern);
  return at < 0 ? path : parts.slice(0, at).join('/') || '/';
}
