import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { RequestView } from '@busbar/api-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COUNTED, CountedSite } from '../harness/counted-site.js';
import { until } from '../harness/until.js';

const PAGE = 4096;
const PAGES_OVERWRITTEN = 100;
/** A scan, and what it takes from the device's answer until the log is on the disk. */
const SCAN_MS = 1_500;
/** How much waits for the cloud, so only in the log, when the process is killed. */
const BACKLOG_MS = 4_000;

let counted: CountedSite;
let generation = 0;
const executed = new Set<number>();
let asked = 0;
let commanding = true;
let commands: Promise<void>;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const standalone = () => counted.site.program('standalone');

/** Commands with a value of its own each, so that a second write of one would show. */
async function command(): Promise<void> {
  for (let value = 1; commanding; value++) {
    asked = value;
    const ask = { id: `damage-${value}`, point: `d${value % COUNTED.devices}/command`, value, expiresMs: 8_000 };
    void counted.site
      .api<RequestView>('/control/requests?wait=10000', { method: 'POST', body: JSON.stringify(ask) })
      .then(({ body }) => body.end?.kind === 'executed' && executed.add(value))
      .catch(() => undefined);
    await sleep(150);
  }
}

async function runningGeneration(): Promise<number> {
  const found = await until('the site runs a generation', async () => {
    const { body } = await counted.site.api<{ generation: { number: number } | null }>('/site');
    return body.generation ?? undefined;
  });
  return found.number;
}

beforeAll(async () => {
  counted = await CountedSite.start();
  generation = await runningGeneration();
  commands = command();
});

afterAll(async () => {
  commanding = false;
  await counted?.site.stop();
});

const logFile = () => join(counted.site.folder, 'data', 'log', 'log', 'data.mdb');

/** What the product says of itself since its last start: its health, and its log. */
async function said(from: number): Promise<string> {
  const health = await fetch(`http://127.0.0.1:${counted.site.ports.http}/health/ready`);
  return `${await health.text()}\n${standalone().output.slice(from)}`;
}

/**
 * Fills the log with what the cloud did not get, kills the process, does something to the log, and starts it again.
 * Resolves when values flow again; gives when it was killed and when it was back, and what it said.
 */
async function killed(damage: (file: string) => void): Promise<{ at: number; back: number; said: string }> {
  await counted.cutCloud();
  await sleep(BACKLOG_MS);
  const at = Date.now();
  await standalone().kill();
  damage(logFile());
  const from = standalone().output.length;
  counted.site.program('cloud').start();
  standalone().start();
  await counted.site.untilReady();
  expect(await runningGeneration()).toBe(generation);
  await counted.untilFlowing();
  return { at, back: Date.now(), said: await said(from) };
}

/** Waits until everything that was read in a range of time has come; gives what has not. */
async function lost(fromMs: number, toMs: number, patienceMs = 15_000) {
  await until(
    'all values have come',
    async () => {
      await counted.collect();
      return (await counted.missing(fromMs, toMs)).length === 0;
    },
    patienceMs,
  ).catch(() => undefined);
  return counted.missing(fromMs, toMs);
}

function overwrite(file: string): void {
  const pages = Math.floor(statSync(file).size / PAGE);
  const open = openSync(file, 'r+');
  for (let i = 0; i < PAGES_OVERWRITTEN; i++) {
    writeSync(open, randomBytes(PAGE), 0, PAGE, Math.floor(Math.random() * pages) * PAGE);
  }
  closeSync(open);
}

function report(what: string, round: { at: number; back: number; said: string }, missing: readonly unknown[]): void {
  const named = [...new Set(round.said.match(/LOG_(RECORD_)?DAMAGED/g))].join(', ') || 'nothing';
  const paused = ((round.back - round.at) / 1000).toFixed(1);
  process.stdout.write(
    `REPORT ${what}: values flow again after ${paused} s, ${missing.length} not taken or lost, ${counted.arrived.size} at the cloud, ${counted.wrong.length} wrong; named: ${named}\n`,
  );
}

describe('a process that is killed', () => {
  let since = 0;

  it('loses nothing that was read a scan before, though the cloud had not got it', async () => {
    const round = await killed(() => undefined);
    const missing = await lost(since, round.back);
    report('killed', round, missing);
    expect(missing.filter(({ time }) => time < round.at - SCAN_MS || time > round.at)).toEqual([]);
    expect(counted.wrong.slice(0, 10)).toEqual([]);
    since = round.back;
  });

  it('comes up by itself when 100 pages of its log were overwritten, names the loss, and delivers nothing wrong', async () => {
    const round = await killed(overwrite);
    const missing = await lost(round.back, Date.now());
    report('100 pages overwritten', round, await counted.missing(since, round.back));
    expect(round.said).toMatch(/LOG_DAMAGED|LOG_RECORD_DAMAGED/);
    expect(missing).toEqual([]);
    expect(counted.wrong.slice(0, 10)).toEqual([]);
    since = round.back;
  });

  it('comes up by itself when its log was shortened by half, names the loss, and delivers nothing wrong', async () => {
    const round = await killed((file) => {
      const open = openSync(file, 'r+');
      ftruncateSync(open, Math.floor(statSync(file).size / 2));
      closeSync(open);
    });
    const missing = await lost(round.back, Date.now());
    report('shortened by half', round, await counted.missing(since, round.back));
    expect(round.said).toContain('LOG_DAMAGED');
    expect(missing).toEqual([]);
    expect(counted.wrong.slice(0, 10)).toEqual([]);
  });

  it('has executed no command twice, and each that it calls executed', async () => {
    commanding = false;
    await commands;
    await sleep(SCAN_MS);
    const written = await counted.written();
    process.stdout.write(`REPORT commands ${asked}, executed ${executed.size}, written ${written.size}\n`);
    expect(executed.size).toBeGreaterThan(50);
    expect([...written].filter(([, times]) => times > 1)).toEqual([]);
    expect([...executed].filter((value) => !written.has(value))).toEqual([]);
  });
});
