// npm test: installs and builds what is missing, then types, lint, checks, unit and contract tests, standalone scenarios.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { failed, prepare, root } from './prepare.mjs';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

function show(command, args, env) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: Object.assign({}, process.env, env),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      process.stdout.write(chunk);
    });
    child.on('close', (code) => resolve({ code, output }));
    child.on('error', (error) => resolve({ code: 1, output: error.message }));
  });
}

/** Sums of Vitest's closing lines: one per project under Nx. */
export function countTests(output) {
  const plain = stripVTControlCharacters(output);
  const sum = (word) =>
    [...plain.matchAll(new RegExp(`^\\s+Tests\\s.*?(\\d+) ${word}`, 'gm'))].reduce((n, m) => n + Number(m[1]), 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

const total = { passed: 0, failed: 0, skipped: 0 };

async function stage(name, command, args, env) {
  const started = Date.now();
  process.stdout.write(`\n=== ${name}\n`);
  const { code, output } = await show(command, args, env);
  const counted = countTests(output);
  if (counted.passed + counted.failed + counted.skipped === 0) counted[code === 0 ? 'passed' : 'failed'] = 1;
  else if (code !== 0 && counted.failed === 0) counted.failed = 1;
  for (const word of Object.keys(total)) total[word] += counted[word];
  process.stdout.write(
    `--- ${name}: ${code === 0 ? 'passed' : 'FAILED'} in ${((Date.now() - started) / 1000).toFixed(0)} s\n`,
  );
}

export function closing({ passed, failed: bad, skipped }) {
  return `${passed} passed, ${bad} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

async function main() {
  await prepare();
  const bin = (name) => join(root, 'node_modules', '.bin', name);
  await stage('types', bin('tsc'), ['-b']);
  await stage('types of the scenarios', bin('tsc'), ['-p', 'e2e']);
  await stage('lint', bin('biome'), ['check', '.']);
  await stage('checks', process.execPath, ['tools/checks/run.mjs']);
  await stage(
    'unit and contract tests',
    bin('nx'),
    ['run-many', '-t', 'test', '--parallel=2', '--output-style=stream'],
    {
      NX_TUI: 'false',
      NX_DAEMON: 'false',
    },
  );
  const chromium = CHROMIUM.find((path) => existsSync(path));
  if (!chromium) process.stdout.write('\nNo Chromium here: the browser scenarios are SKIPPED (Debian: chromium).\n');
  await stage('standalone scenarios', bin('vitest'), ['run', '--config', 'vitest.e2e.config.ts'], {
    BUSBAR_TEST_CHROMIUM: chromium ?? '',
  });
  process.stdout.write(`\n${closing(total)}\n`);
  process.exit(total.failed === 0 ? 0 : 1);
}

main().catch(failed);
