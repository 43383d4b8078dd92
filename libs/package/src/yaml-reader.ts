import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseAllDocuments, type YAMLError } from 'yaml';
import { LIMITS } from './limits.js';
import { filePlace, type SourceText, TextPlace } from './place.js';
import type { Report } from './report.js';
import type { MapTree, Tree, TreeEntry } from './tree.js';

const EXPECTED: Readonly<Record<string, string>> = {
  BAD_INDENT: 'Indent with spaces, entries of one map alike.',
  TAB_AS_INDENT: 'Indent with spaces.',
  BLOCK_AS_IMPLICIT_KEY: 'Put the nested map on its own lines, indented.',
  MISSING_CHAR: 'Close the bracket or the quote, and put a blank after the colon.',
  UNEXPECTED_TOKEN: 'Quote texts that hold special characters.',
  MULTIPLE_DOCS: 'Put the second document into a file of its own.',
};

class YamlReader {
  readonly #source: SourceText;
  readonly #report: Report;

  constructor(source: SourceText, report: Report) {
    this.#source = source;
    this.#report = report;
  }

  read(): MapTree | undefined {
    let documents: ReturnType<typeof parseAllDocuments>;
    try {
      documents = parseAllDocuments(this.#source.text, {
        version: '1.2',
        schema: 'core',
        uniqueKeys: false,
        merge: false,
        prettyErrors: false,
        logLevel: 'silent',
      });
    } catch (error) {
      this.#syntax(
        0,
        error instanceof RangeError ? 'it is nested too deeply' : 'it cannot be parsed',
        'Write it flatter.',
      );
      return undefined;
    }
    const [first, second] = [...documents];
    if (!first) return undefined;
    const errors = documents.flatMap((document) => document.errors as YAMLError[]);
    for (const error of errors) this.#syntaxError(error);
    if (errors.length > 0) return undefined;
    if (second) {
      this.#syntax(second.range?.[0] ?? 0, 'a second document starts here', EXPECTED.MULTIPLE_DOCS ?? '');
      return undefined;
    }
    if (/^%(YAML|TAG)/m.test(this.#source.text.slice(0, (first.range?.[0] ?? 0) + 1))) {
      this.#feature(0, 'a % directive');
      return undefined;
    }
    return this.#root(first.contents as Node | null);
  }

  #root(contents: Node | null): MapTree | undefined {
    if (contents === null || (isScalar(contents) && contents.value === null && !contents.source)) return undefined;
    if (!isMap(contents)) {
      this.#syntax(contents.range?.[0] ?? 0, 'a package file is a map', 'Begin with a section, for example `models:`.');
      return undefined;
    }
    const tree = this.#tree(contents, 0);
    return tree?.kind === 'map' ? tree : undefined;
  }

  #tree(node: Node, depth: number): Tree | undefined {
    const offset = node.range?.[0] ?? 0;
    if (depth > LIMITS.depth) {
      this.#syntax(offset, `it is nested more than ${LIMITS.depth} deep`, 'Write it flatter.');
      return undefined;
    }
    if (isAlias(node)) return this.#feature(offset, `the alias *${node.source}`);
    if ('anchor' in node && node.anchor) return this.#feature(offset, `the anchor &${node.anchor}`);
    if (node.tag !== undefined) return this.#feature(offset, `the tag ${node.tag}`);
    const place = new TextPlace(this.#source, offset);
    if (isSeq(node)) {
      const items = node.items.map((item) => {
        if (!isNode(item) || isEmpty(item)) {
          this.#report.add('YAML_EMPTY', isNode(item) ? this.#at(item) : place, { field: 'an item of the list' });
          return undefined;
        }
        return this.#tree(item, depth + 1);
      });
      return { kind: 'list', items: items.filter((item) => item !== undefined), place };
    }
    if (isMap(node))
      return { kind: 'map', entries: this.#entries(node.items as Pair<Node, Node | null>[], depth), place };
    return isScalar(node) ? this.#scalar(node.value, node.source, place) : undefined;
  }

  #entries(pairs: readonly Pair<Node, Node | null>[], depth: number): Map<string, TreeEntry> {
    const entries = new Map<string, TreeEntry>();
    for (const { key, value } of pairs) {
      const offset = key?.range?.[0] ?? 0;
      if (!isScalar(key)) {
        if (isAlias(key)) this.#feature(offset, `the alias *${key.source}`);
        else this.#syntax(offset, 'a key must be a plain text', 'Write a name before the colon.');
        continue;
      }
      const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
      const keyPlace = new TextPlace(this.#source, offset);
      if (key.anchor) this.#feature(offset, `the anchor &${key.anchor}`);
      if (name === '<<') {
        this.#feature(offset, 'a merge key');
        continue;
      }
      if (name === '' || name === '__proto__' || !isWellFormed(name)) {
        this.#syntax(offset, `"${name === '' ? '' : 'such a text'}" cannot be a key`, 'Write a name before the colon.');
        continue;
      }
      const first = entries.get(name);
      if (first) {
        this.#report.add('YAML_DUPLICATE_KEY', keyPlace, { key: name, line: first.keyPlace.position().line });
        continue;
      }
      if (!isNode(value) || isEmpty(value)) {
        this.#report.add('YAML_EMPTY', keyPlace, { field: name });
        continue;
      }
      const tree = this.#tree(value, depth + 1);
      if (tree) entries.set(name, { keyPlace, value: tree });
    }
    return entries;
  }

  #scalar(value: unknown, source: string | undefined, place: TextPlace): Tree | undefined {
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) {
        this.#syntax(
          place.offset,
          `${source} is not a number to work with`,
          'Write a finite number, or quote it as text.',
        );
        return undefined;
      }
      if (Number.isInteger(value) && !Number.isSafeInteger(value) && /^[-+0-9xoa-f]+$/i.test(source ?? '')) {
        this.#syntax(place.offset, `${source} has more digits than a number keeps`, `Quote it: "${source}".`);
        return undefined;
      }
      return { kind: 'scalar', value, source: source ?? String(value), place };
    }
    if (typeof value === 'boolean') return { kind: 'scalar', value, source: source ?? String(value), place };
    if (typeof value === 'string' && isWellFormed(value)) return { kind: 'scalar', value, place };
    this.#syntax(place.offset, 'this value cannot be used', 'Write a text, a number, true or false.');
    return undefined;
  }

  #at(node: Node): TextPlace {
    return new TextPlace(this.#source, node.range?.[0] ?? 0);
  }

  #feature(offset: number, feature: string): undefined {
    this.#report.add('YAML_FEATURE', new TextPlace(this.#source, offset), { feature });
    return undefined;
  }

  #syntax(offset: number, reason: string, expected: string): void {
    this.#report.add('YAML_SYNTAX', new TextPlace(this.#source, offset), { reason, expected });
  }

  #syntaxError(error: YAMLError): void {
    if (error.code === 'BAD_ALIAS') {
      this.#feature(error.pos[0], 'an anchor or alias');
      return;
    }
    const reason = error.message.split('\n')[0]?.replace(/\.$/, '').slice(0, 200) ?? 'it cannot be parsed';
    this.#syntax(error.pos[0], reason, EXPECTED[error.code] ?? 'Compare the line with the ones above it.');
  }
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value);
}

/** Nothing, `~` and `null`: an empty value hides whether something was forgotten. */
function isEmpty(node: Node): boolean {
  return isScalar(node) && node.value === null && !('anchor' in node && node.anchor) && !node.tag;
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** Undefined when there is nothing in the file, or nothing that can be used; then a finding says why. */
export function readYaml(source: SourceText, byteLength: number, report: Report): MapTree | undefined {
  if (byteLength > LIMITS.yamlBytes) {
    const params = { thing: source.file, actual: `${byteLength} octets`, limit: `${LIMITS.yamlBytes}` };
    report.add('PACKAGE_LIMIT', filePlace(source.file), params);
    return undefined;
  }
  return new YamlReader(source, report).read();
}
