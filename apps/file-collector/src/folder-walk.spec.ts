import { BusbarError } from '@busbar/errors';
import { describe, expect, it } from 'vitest';
import { FolderWalk, type Walk } from './folder-walk.js';
import { FakeDevice } from './testing/fake-source.js';

const paths = ['/r/a', '/r/x/a', '/r/x/y/a', '/r/x/y/z/a', '/r/done/old/a', '/r/w/y/a', '/s/a'];

async function found(path: string, walk: Partial<Walk> = {}, device = new FakeDevice()) {
  for (const one of paths) device.put(one, '');
  const all = { depth: 4, without: null, failed: () => undefined, ...walk };
  const folders = await new FolderWalk(await device.open(), all, new AbortController().signal).foldersOf(path);
  return folders?.toSorted();
}

describe('folders of a path', () => {
  it('are the one that it names, without asking', async () => {
    const device = new FakeDevice();
    expect(await found('/r/x', {}, device)).toEqual(['/r/x']);
    expect(device.listed).toEqual([]);
  });

  it('are all below, as deep as it goes', async () => {
    expect(await found('/r/**', { depth: 1 })).toEqual(['/r', '/r/done', '/r/w', '/r/x']);
    expect(await found('/r/x/**')).toEqual(['/r/x', '/r/x/y', '/r/x/y/z']);
    expect(await found('/**', { depth: 1 })).toEqual(['/', '/r', '/s']);
  });

  it('are those that fit a pattern, and what it names in them', async () => {
    expect(await found('/r/?/y')).toEqual(['/r/w/y', '/r/x/y']);
    expect(await found('/r/**/y')).toEqual(expect.arrayContaining(['/r/w/y', '/r/x/y']));
    expect(await found('/r/d*/*')).toEqual(['/r/done/old']);
  });

  it('are not those that hold what was collected', async () => {
    expect(await found('/r/**', { depth: 2, without: '/r/done' })).toEqual(['/r', '/r/w', '/r/w/y', '/r/x', '/r/x/y']);
  });

  it('go on where one of them may not be read, and say which', async () => {
    const device = new FakeDevice();
    device.denied.add('/r/x');
    const failed: BusbarError[] = [];
    expect(await found('/r/**', { failed: (error) => failed.push(error) }, device)).toContain('/r/w/y');
    expect(failed.map(({ params }) => params.folder)).toEqual(['/r/x']);
    device.denied.add('/r');
    await expect(found('/r/**', {}, device)).rejects.toThrow(BusbarError);
  });
});
