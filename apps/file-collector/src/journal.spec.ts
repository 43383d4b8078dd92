import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from './journal.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-journal-'));
  path = join(folder, 'journal');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function reread(): Promise<{ entries: unknown[]; damaged: number }> {
  const { journal, entries, damaged } = await Journal.open(path);
  await journal.close();
  return { entries, damaged };
}

describe('the journal of files', () => {
  it('gives every entry back in order, and takes more', async () => {
    const { journal } = await Journal.open<unknown>(path);
    await Promise.all([journal.append({ a: '故障\n' }), journal.append([1]), journal.append('x')]);
    await journal.close();
    expect(await reread()).toEqual({ entries: [{ a: '故障\n' }, [1], 'x'], damaged: 0 });
  });

  it('keeps what it is rewritten with, and what is appended then', async () => {
    const { journal } = await Journal.open<number>(path);
    for (const n of [1, 2, 3]) await journal.append(n);
    await journal.rewrite([3]);
    await journal.append(4);
    await journal.close();
    expect((await reread()).entries).toEqual([3, 4]);
  });

  it('cuts off what a crash left behind the last whole line, wherever that is, and goes on', async () => {
    const { journal } = await Journal.open<number>(path);
    for (let n = 1; n <= 4; n++) await journal.append(n);
    await journal.close();
    const whole = readFileSync(path);
    const ends = [...whole.keys()].filter((i) => whole[i] === 0x0a);
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      const lines = ends.filter((end) => end < length).length;
      const opened = await Journal.open<number>(path);
      await opened.journal.append(99);
      await opened.journal.close();
      expect((await reread()).entries, `cut at ${length}`).toEqual([...[1, 2, 3, 4].slice(0, lines), 99]);
    }
  });

  it('leaves a damaged line out, and counts it', async () => {
    const { journal } = await Journal.open<number>(path);
    for (const n of [1, 2, 3]) await journal.append(n);
    await journal.close();
    const text = readFileSync(path, 'utf8').split('\n');
    text[1] = (text[1] as string).replace(/2$/, '7');
    writeFileSync(path, text.join('\n'));
    expect(await reread()).toEqual({ entries: [1, 3], damaged: 1 });
  });

  it('never takes other octets for an entry', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (octets) => {
        writeFileSync(path, '');
        appendFileSync(path, octets);
        expect((await reread()).entries).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});
