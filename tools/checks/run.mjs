// All checks over the tree, and each check over its planted violations: a check that stays silent on a plant fails.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as boundaries from './boundaries.mjs';
import * as drift from './drift.mjs';
import * as errors from './errors.mjs';
import * as events from './events.mjs';
import { readTree } from './source.mjs';
import * as words from './words.mjs';

const CHECKS = { boundaries, drift, errors, events, words };
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

let failed = 0;
let passed = 0;

function report(name, problems) {
  if (problems.length === 0) passed++;
  else failed++;
  process.stdout.write(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name}\n`);
  for (const problem of problems) process.stdout.write(`     ${problem}\n`);
}

const text = ({ file, line, message }) => `${file}:${line} ${message}`;

/** A plant is a small tree and `plant.json`: the messages (parts of them) that it must cause, and no others. */
async function judgePlants(name, check) {
  const folder = join(root, 'tools/checks/plants', name);
  const plants = existsSync(folder) ? readdirSync(folder) : [];
  if (plants.length === 0) return report(`${name}: plants`, ['there is no planted violation for this check']);
  for (const plant of plants) {
    const at = join(folder, plant);
    const { expect } = JSON.parse(readFileSync(join(at, 'plant.json'), 'utf8'));
    const findings = (await check.check(readTree(at, true))).map(text);
    const silent = expect.filter((part) => !findings.some((finding) => finding.includes(part)));
    const loud = findings.filter((finding) => !expect.some((part) => finding.includes(part)));
    report(`${name}: plant ${plant}`, [
      ...silent.map((part) => `stayed silent on: ${part}`),
      ...loud.map((finding) => `spoke without cause: ${finding}`),
    ]);
  }
}

const tree = readTree(root);
for (const [name, check] of Object.entries(CHECKS)) {
  report(
    `${check.title} (${tree.sources.length} sources, ${tree.projects.length} projects)`,
    (await check.check(tree)).map(text),
  );
  await judgePlants(name, check);
}
process.stdout.write(`      Tests  ${failed > 0 ? `${failed} failed | ` : ''}${passed} passed (${passed + failed})\n`);
process.exit(failed > 0 ? 1 : 0);
