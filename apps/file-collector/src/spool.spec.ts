import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Spool } from './spool.js';

let folder: string;
const file = { path: '/r/a', name: 'a', size: 8, modifiedMs: 1, tag: null };
const task = { id: 't', to: { asset: 'a', point: 'p' } };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-spool-'));
});
const opened: Spool[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((spool) => spool.close()));
  rmSync(folder, { recursive: true, force: true });
});

/** As after a crash: nothing was closed. */
async function reopened(): Promise<Spool> {
  const { spool } = await Spool.open(folder, 'c');
  opened.push(spool);
  return spool;
}

async function begunWith(content: string, flushed: number): Promise<{ spool: Spool; id: number }> {
  const spool = await reopened();
  const { id } = await spool.begin(task, file);
  const part = await spool.openPart(id);
  await part.handle.appendFile(content);
  await part.handle.close();
  spool.wrote(id, content.length);
  await spool.mark(id, flushed);
  return { spool, id };
}

describe('the spool of files', () => {
  it('goes on behind what this process wrote, and after a crash only behind what was flushed', async () => {
    const { spool, id } = await begunWith('01234', 3);
    const same = await spool.openPart(id);
    await same.handle.close();
    expect(same.bytes).toBe(5);
    const after = await (await reopened()).openPart(id);
    await after.handle.close();
    expect(after.bytes).toBe(3);
  });

  it('forgets a part whose file is another now', async () => {
    const { spool, id } = await begunWith('01234', 5);
    await spool.restart(id, { ...file, modifiedMs: 2 });
    const part = await spool.openPart(id);
    await part.handle.close();
    expect(part.bytes).toBe(0);
  });

  it('removes contents that no entry knows, and entries without a content', async () => {
    const { spool, id } = await begunWith('01234567', 8);
    const whole = { size: 8, sha256: 's', md5: 'm', collectedAt: 1, timeMs: 1 };
    await spool.finish(id, file, whole);
    const other = await spool.begin(task, file);
    writeFileSync(join(folder, '99.file'), 'whose?');
    const after = await reopened();
    expect(after.files().map((one) => [one.id, one.whole])).toEqual([[id, whole]]);
    expect(after.get(other.id)).toBeUndefined();
    await after.drop(id);
    expect((await reopened()).files()).toEqual([]);
  });

  it('takes a content as a part again where a crash came before its entry', async () => {
    const { id } = await begunWith('01234567', 8);
    renameSync(join(folder, `${id}.part`), join(folder, `${id}.file`));
    const after = await reopened();
    expect(after.get(id)?.whole).toBeNull();
    const part = await after.openPart(id);
    await part.handle.close();
    expect(part.bytes).toBe(8);
  });
});
