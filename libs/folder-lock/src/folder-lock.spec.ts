import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderLock } from './folder-lock.js';

const locked = (pid: number) => new Error(`in use by ${pid}`);

describe('the lock of a folder', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'busbar-lock-'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is given once, names who has it, and leaves nothing behind', () => {
    const lock = FolderLock.take(folder, locked);
    expect(() => FolderLock.take(folder, locked)).toThrow(`in use by ${process.pid}`);
    lock.release();
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
    FolderLock.take(folder, locked).release();
  });

  it('of a process that is gone is taken over, though its number is used again', () => {
    writeFileSync(join(folder, 'lock'), JSON.stringify({ pid: process.pid, started: 'another boot/1' }));
    FolderLock.take(folder, locked).release();
  });

  it('that cannot be read is taken over', () => {
    writeFileSync(join(folder, 'lock'), '{"pid":');
    FolderLock.take(folder, locked).release();
  });

  it('of another process is left alone by a release', () => {
    const lock = FolderLock.take(folder, locked);
    writeFileSync(join(folder, 'lock'), 'another');
    lock.release();
    expect(readFileSync(join(folder, 'lock'), 'utf8')).toBe('another');
  });
});
