import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formatFinding } from './format-finding.js';
import type { PackageFile } from './result.js';
import { FAKE_PLUGINS } from './testing/fake-plugins.js';
import { readFolder } from './testing/read-folder.js';
import { validatePackage } from './validate.js';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../cases');
const names = readdirSync(folder).sort();

/** Paths that no file system holds side by side with the others. */
const UNSAFE: readonly PackageFile[] = ['../outside.yaml', '/etc/x.yaml', 'a\\b.yaml'].map((path) => ({
  path,
  content: new Uint8Array(),
}));

describe('each code is found at its line and column with a sentence and a fix', () => {
  it.each(names)('%s', (name) => {
    const files = [...readFolder(join(folder, name, 'package')), ...(name === 'PACKAGE_PATH' ? UNSAFE : [])];
    const { findings, valid } = validatePackage(files, { plugins: FAKE_PLUGINS, isLocked: name === 'LOCK_STALE' });
    const expected = JSON.parse(readFileSync(join(folder, name, 'expected.json'), 'utf8')) as string[];
    expect(findings.map(formatFinding)).toEqual(expected);
    expect(valid === undefined).toBe(findings.some(({ severity }) => severity === 'error'));
    const code = name.split('-')[0] ?? '';
    if (code === code.toUpperCase()) expect(findings.map((finding) => finding.code)).toContain(code);
  });
});
