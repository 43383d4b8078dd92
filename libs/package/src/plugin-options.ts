import type { Place } from './place.js';
import type { Report } from './report.js';
import type { FieldProblem, OptionsCheck } from './result.js';
import { withLoose } from './shape.js';
import { type MapTree, type Path, type Tree, type TreeEntry, treeAt, valuePlace } from './tree.js';

export interface OptionsSource {
  /** Later ones win over earlier ones, key by key. */
  readonly trees: readonly (Tree | undefined)[];
  /** The author's name of it: `with`, `quirks`. */
  readonly field: string;
  /** Id of the driver or sink. */
  readonly owner: string;
  /** Where nothing more exact is known. */
  readonly place: Place;
  /** True for a problem that the caller has reported in words of its own. */
  readonly isReported?: (problem: FieldProblem) => boolean;
}

type Parsed = { readonly value: Record<string, unknown> } | { readonly problems: readonly FieldProblem[] };

/** Options as the plug-in wants them, defaults filled in; undefined after reporting. */
export function checkOptions(
  check: OptionsCheck,
  { trees, field, owner, place, isReported }: OptionsSource,
  report: Report,
): Record<string, unknown> | undefined {
  const entries = new Map<string, TreeEntry>();
  for (const tree of trees) {
    if (tree?.kind === 'map') for (const [key, entry] of tree.entries) entries.set(key, entry);
  }
  const merged: MapTree = { kind: 'map', entries, place };
  const literal = reportLiterals(check.secrets, merged, field, report);
  const parsed = withLoose(merged, (value) => {
    const result: Parsed = check.parse(value);
    return { problems: 'problems' in result ? result.problems.map(({ path }) => path as Path) : [], result };
  });
  if ('value' in parsed) return literal.size > 0 ? undefined : parsed.value;
  for (const problem of parsed.problems) {
    const { path, reason, fix } = problem;
    const name = path.join('.');
    if (literal.has(name) || isReported?.(problem)) continue;
    const params = { driver: owner, field: name === '' ? field : name, reason, fix };
    report.record('CONNECTION_FIELD', valuePlace(merged, path, place), { params, mark: name });
  }
  return undefined;
}

/** Secrets in plain text; the text itself never gets into a finding. */
function reportLiterals(secrets: readonly string[], tree: MapTree, field: string, report: Report): Set<string> {
  const literal = new Set<string>();
  for (const name of secrets) {
    const path = name.split('.');
    const found = treeAt(tree, path);
    if (!found) continue;
    if (found.kind === 'scalar' && typeof found.value === 'string' && /^secret:[^\s/][^\s]*$/.test(found.value))
      continue;
    literal.add(name);
    report.add('SECRET_LITERAL', found.place, { field: `${field}.${name}` });
  }
  return literal;
}
