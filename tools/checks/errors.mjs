// The error catalog and its use agree: no entry without use, no code in quotes that the catalog lacks.
const CODES = /^libs\/errors\/src\/codes\/.+\.ts$/;
const ENTRY = /^ {2}([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*): \{$/gm;

export const title = 'errors';

export function check(tree) {
  const findings = [];
  const entries = new Map();
  for (const { path, text } of tree.sources.filter((source) => CODES.test(source.path))) {
    for (const match of text.matchAll(ENTRY)) {
      const line = text.slice(0, match.index).split('\n').length;
      const twin = entries.get(match[1]);
      if (twin) findings.push({ file: path, line, message: `${match[1]} is also in ${twin.path}: keep one.` });
      entries.set(match[1], { path, line, uses: 0 });
    }
  }
  if (entries.size === 0)
    findings.push({ file: 'libs/errors/src/codes', line: 1, message: 'no entry of the catalog was found.' });
  for (const { path, text, strings } of tree.sources) {
    if (CODES.test(path) || /\.spec\.tsx?$/.test(path) || !/^(apps|libs)\//.test(path)) continue;
    for (const { value } of strings) {
      const entry = entries.get(value);
      if (entry) entry.uses++;
    }
    for (const match of text.matchAll(/new BusbarError\(\s*'([A-Z0-9_]+)'/g)) {
      if (entries.has(match[1])) continue;
      const line = text.slice(0, match.index).split('\n').length;
      findings.push({
        file: path,
        line,
        message: `${match[1]} is not in the error catalog: add it with sentence and fix.`,
      });
    }
  }
  for (const [code, { path, line, uses }] of entries) {
    if (uses === 0) findings.push({ file: path, line, message: `${code} is used nowhere: use it or take it out.` });
  }
  return findings;
}
