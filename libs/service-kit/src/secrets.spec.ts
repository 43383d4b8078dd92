import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isBusbarError } from '@busbar/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SecretStore } from './secrets.js';

let root: string;
let store: SecretStore;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'busbar-secrets-'));
  const folder = join(root, 'secrets');
  mkdirSync(join(folder, 'enos'), { recursive: true });
  writeFileSync(join(folder, 'enos', 'gateway'), 'abc\n');
  writeFileSync(join(folder, 'two-lines'), 'a\nb\r\n');
  writeFileSync(join(folder, 'bare'), 'x');
  writeFileSync(join(root, 'outside'), 'not yours');
  symlinkSync(join(folder, 'bare'), join(folder, 'link'));
  store = new SecretStore(folder);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('a secret', () => {
  it.each([
    ['secret:enos/gateway', 'abc'],
    ['secret:two-lines', 'a\nb'],
    ['secret:bare', 'x'],
    ['secret:link', 'x'],
  ])('%s is the file without its last line end', async (reference, value) => {
    expect(await store.read(reference)).toBe(value);
  });

  it.each([
    'secret:../outside',
    'secret:enos/../../outside',
    'secret:..',
    'secret:/etc/hostname',
    'secret:enos//gateway',
    'secret:enos/',
    'secret:',
    'secret:enos\\gateway',
    'secret:bare\0',
    'bare',
    'hunter2',
    '',
  ])('%j is not followed, and not repeated', async (reference) => {
    const error: unknown = await store.read(reference).catch((caught: unknown) => caught);
    expect(isBusbarError(error, 'SECRET_UNREADABLE')).toBe(true);
    if (reference === 'hunter2') expect((error as Error).message).not.toContain('hunter2');
  });

  it('that is not there is named by its path', async () => {
    await expect(store.read('secret:enos/nobody')).rejects.toMatchObject({
      code: 'SECRET_UNREADABLE',
      params: { path: 'enos/nobody' },
    });
    await expect(store.read('secret:enos')).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' });
  });
});
