import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleFolder } from './console-folder.js';

describe('console folder', () => {
  let folder: string;
  let files: ConsoleFolder;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'busbar-console-'));
    mkdirSync(join(folder, 'assets'));
    writeFileSync(join(folder, 'index.html'), '<script>let a = 1;</script><script src="/x.js"></script>');
    writeFileSync(join(folder, 'assets', 'index-Ab12Cd34.js'), '');
    writeFileSync(join(folder, '.secret'), '');
    files = new ConsoleFolder(folder);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('answers the routes of the page with the page', () => {
    for (const url of ['/', '/points', '/points/inv-01/INV.ActivePower/trend?at=1', '/setup']) {
      expect(files.find(url)).toEqual({ path: 'index.html', cacheControl: 'no-cache' });
    }
  });

  it('keeps files with a hash in their name for good', () => {
    expect(files.find('/assets/index-Ab12Cd34.js')).toEqual({
      path: join('assets', 'index-Ab12Cd34.js'),
      cacheControl: 'public, max-age=31536000, immutable',
    });
  });

  it('does not answer a missing file with the page', () => {
    expect(files.find('/assets/gone-Ab12Cd34.js')).toBeUndefined();
    expect(files.find('/favicon.ico')).toBeUndefined();
    expect(files.find('/%')).toBeUndefined();
  });

  it('never leaves its folder, and hides hidden files', () => {
    for (const url of ['/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/..%2f..%2fetc/passwd', '/.secret']) {
      expect(files.find(url)?.path ?? 'index.html').toBe('index.html');
    }
  });

  it('allows the scripts that stand in the page itself', () => {
    expect(files.scriptHashes()).toEqual(["'sha256-xY6QKfH9PRsQnLz56nj6MBwiK5oHg+im1Jkpdp1x/Ck='"]);
  });

  it('knows that a folder without a page is not built', () => {
    expect(new ConsoleFolder(join(folder, 'assets')).isBuilt).toBe(false);
  });
});
