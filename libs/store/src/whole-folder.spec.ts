import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { copyWhole, takeWhole } from './whole-folder.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-whole-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('copies every file, readable by this user alone even if the original is not', async () => {
  mkdirSync(join(folder, 'original/deep'), { recursive: true });
  writeFileSync(join(folder, 'original/deep/file'), 'content');
  chmodSync(join(folder, 'original/deep/file'), 0o444);
  chmodSync(join(folder, 'original/deep'), 0o555);
  await copyWhole(join(folder, 'original'), join(folder, 'copy'));
  expect(readFileSync(join(folder, 'copy/deep/file'), 'utf8')).toBe('content');
  expect(statSync(join(folder, 'copy/deep/file')).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'copy/deep')).mode & 0o777).toBe(0o700);
  chmodSync(join(folder, 'original/deep'), 0o755);
});

it('leaves nothing at the place when filling it fails, and starts anew the next time', async () => {
  const place = join(folder, 'place');
  const broken = takeWhole(place, async (fresh) => {
    mkdirSync(fresh);
    writeFileSync(join(fresh, 'half'), '');
    throw new Error('power cut');
  });
  await expect(broken).rejects.toThrow('power cut');
  expect(existsSync(place)).toBe(false);
  await takeWhole(place, async (fresh) => {
    mkdirSync(fresh);
    writeFileSync(join(fresh, 'whole'), '');
  });
  expect(existsSync(join(place, 'whole'))).toBe(true);
  expect(existsSync(join(place, 'half'))).toBe(false);
});
