// The stages of a test run: each a program whose tests are counted, shown as it goes.
import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { root } from './prepare.mjs';

function show(command, args, env) {
  return new Promise((resolve) => {
    const settings = { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] };
    const child = spawn(command, args, settings);
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
    [...plain.matchAll(new RegExp(`\\bTests\\s.*?(\\d+) ${word}`, 'g'))].reduce((n, match) => n + Number(match[1]), 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

/** A run of stages, and what they came to together. */
export function stages() {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const stage = async (name, command, args, env) => {
    const started = Date.now();
    process.stdout.write(`\n=== ${name}\n`);
    const { code, output } = await show(command, args, env);
    const counted = countTests(output);
    if (counted.passed + counted.failed + counted.skipped === 0) counted[code === 0 ? 'passed' : 'failed'] = 1;
    else if (code !== 0 && counted.failed === 0) counted.failed = 1;
    for (const word of Object.keys(total)) total[word] += counted[word];
    const seconds = ((Date.now() - started) / 1000).toFixed(0);
    process.stdout.write(`--- ${name}: ${code === 0 ? 'passed' : 'FAILED'} in ${seconds} s\n`);
  };
  return { stage, total };
}

/** The one line that a run ends with. */
export function closing({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
