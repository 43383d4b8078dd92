import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { GenerationEntity } from '@busbar/events';
import type { LockLine } from '@busbar/package';
import { flushFolder } from './durable-node-fs.js';
import type { Generation, StoredFile } from './store.js';

/** The newest generation with all that belongs to it: enough to go on when the database cannot be opened. */
export interface SnapshotContent {
  readonly generation: Generation;
  readonly entities: readonly GenerationEntity[];
  readonly files: readonly StoredFile[];
  readonly lock: readonly LockLine[];
}

const FORMAT = 1;

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** Two lines: format and checksum, then the content. Whole or not at all, and flushed when this returns. */
export function writeSnapshot(path: string, content: SnapshotContent): void {
  const files = content.files.map((file) => ({
    path: file.path,
    base64: Buffer.from(file.content).toString('base64'),
  }));
  const body = JSON.stringify({ ...content, files });
  const fresh = `${path}.new`;
  const file = openSync(fresh, 'w', 0o600);
  try {
    writeSync(file, `${JSON.stringify({ format: FORMAT, sha256: sha256(body) })}\n${body}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
  flushFolder(dirname(path));
}

/** Undefined when there is none, or it is not exactly what was written. */
export function readSnapshot(path: string): SnapshotContent | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const end = text.indexOf('\n');
  const body = text.slice(end + 1, -1);
  try {
    const head = JSON.parse(text.slice(0, end)) as { readonly format: number; readonly sha256: string };
    if (head.format !== FORMAT || head.sha256 !== sha256(body)) return undefined;
    const content = JSON.parse(body) as Omit<SnapshotContent, 'files'> & {
      readonly files: readonly { readonly path: string; readonly base64: string }[];
    };
    const files = content.files.map((file) => ({
      path: file.path,
      content: new Uint8Array(Buffer.from(file.base64, 'base64')),
    }));
    return { ...content, files };
  } catch {
    return undefined;
  }
}
