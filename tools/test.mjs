// npm test: installs and builds what is missing, then types, lint, checks, unit and contract tests, standalone scenarios.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { failed, prepare, root } from './prepare.mjs';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

async function main() {
  await prepare();
  // An old Node gets its sentence from prepare() before it has to read these.
  const { closing, stages } = await import('./stages.mjs');
  const { stage, total } = stages();
  const bin = (name) => join(root, 'node_modules', '.bin', name);
  await stage('types', bin('tsc'), ['-b']);
  await stage('types of the scenarios', bin('tsc'), ['-p', 'e2e']);
  await stage('lint', bin('biome'), ['check', '.']);
  await stage('checks', process.execPath, ['tools/checks/run.mjs']);
  const units = ['run-many', '-t', 'test', '--parallel=2', '--output-style=stream'];
  await stage('unit and contract tests', bin('nx'), units, { NX_TUI: 'false', NX_DAEMON: 'false' });
  const chromium = CHROMIUM.find((path) => existsSync(path));
  if (!chromium) process.stdout.write('\nNo Chromium here: the browser scenarios are SKIPPED (Debian: chromium).\n');
  const scenarios = ['run', '--config', 'vitest.e2e.config.ts'];
  await stage('standalone scenarios', bin('vitest'), scenarios, { BUSBAR_TEST_CHROMIUM: chromium ?? '' });
  process.stdout.write(`\n${closing(total)}\n`);
  process.exit(total.failed === 0 ? 0 : 1);
}

main().catch(failed);
