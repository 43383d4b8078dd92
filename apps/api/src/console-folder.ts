import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, normalize, sep } from 'node:path';

/** Names with a hash in them never change their content. */
const HASHED = /-[\w-]{8,}\.\w+$/;

export interface ConsoleFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly cacheControl: string;
}

/** The built console: which file answers a path of the browser. */
export class ConsoleFolder {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  get isBuilt(): boolean {
    return existsSync(join(this.folder, 'index.html'));
  }

  /** A file if there is one; the page itself for its own routes, which have no dot in the last part; else undefined. */
  find(url: string): ConsoleFile | undefined {
    let path: string;
    try {
      path = decodeURIComponent(url.split('?', 1)[0] ?? '/');
    } catch {
      return undefined;
    }
    const relative = normalize(`/${path}`).slice(1);
    if (relative !== '' && !relative.split(sep).some((part) => part.startsWith('.')) && this.#isFile(relative)) {
      const cacheControl = HASHED.test(relative) ? 'public, max-age=31536000, immutable' : 'no-cache';
      return { path: relative, cacheControl };
    }
    const last = relative.split(sep).at(-1) ?? '';
    if (
      relative.startsWith(`assets${sep}`) ||
      (last.includes('.') && /\.(js|css|map|png|svg|ico|woff2?|json|wasm)$/.test(last))
    ) {
      return undefined;
    }
    return { path: 'index.html', cacheControl: 'no-cache' };
  }

  #isFile(relative: string): boolean {
    try {
      return statSync(join(this.folder, relative)).isFile();
    } catch {
      return false;
    }
  }

  /** CSP sources of the scripts that stand in the page itself, as a build tool may put them there. */
  scriptHashes(): string[] {
    if (!this.isBuilt) return [];
    const page = readFileSync(join(this.folder, 'index.html'), 'utf8');
    return [...page.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
      ([, script]) =>
        `'sha256-${createHash('sha256')
          .update(script as string)
          .digest('base64')}'`,
    );
  }
}

/** Shown while the console is not built; the API works all the same. */
export const NOT_BUILT_PAGE = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Busbar</title>
<body style="font: 15px system-ui, sans-serif; margin: 3rem; max-width: 40rem">
<h1>The console is not built</h1>
<p>Run <code>npm run build</code> in the repository, or name the folder of a built console by <code>BUSBAR_CONSOLE</code>,
then start again.</p>
<p>The API at <code>/api/v1</code> works: <code>Authorization: Bearer &lt;admin key&gt;</code>.</p>
</body></html>
`;
