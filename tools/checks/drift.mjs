// Generated files are committed and equal to a fresh generation.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export const title = 'drift';

export async function check(tree) {
  const generator = tree.isPlant ? join(tree.root, 'generate.mjs') : join(tree.root, 'tools/generate.mjs');
  const { generate } = await import(pathToFileURL(generator).href);
  const findings = [];
  for (const [path, content] of Object.entries(await generate(tree.root))) {
    const file = join(tree.root, path);
    const now = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    if (now === content) continue;
    const what = now === undefined ? 'is missing' : 'differs from a fresh generation';
    findings.push({ file: path, line: 1, message: `${what}: run node tools/generate.mjs and commit the result.` });
  }
  return findings;
}
