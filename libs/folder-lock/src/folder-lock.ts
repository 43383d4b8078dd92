import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ATTEMPTS = 5;

interface Owner {
  readonly pid: number;
  /** Boot of the machine and start time of the process in it: a number used again by another process differs. */
  readonly started: string;
}

/** Linux only; elsewhere a living process with that number counts as the owner. */
function startOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the name may hold blanks; field 22 is the start time, counted after the closing bracket from field 3.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${boot}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

function isAlive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const started = startOf(owner.pid);
  return started === undefined || owner.started === '' || started === owner.started;
}

function readOwner(text: string): Owner | undefined {
  try {
    const { pid, started } = JSON.parse(text) as Partial<Owner>;
    return Number.isInteger(pid) && typeof started === 'string' ? { pid: pid as number, started } : undefined;
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Moves a dead owner's file away; if somebody put a new one there meanwhile, theirs goes back. */
function clearStale(path: string, stale: string): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (readFileSync(aside, 'utf8') !== stale) linkSync(aside, path);
  unlinkSync(aside);
}

/** One process per folder, by the file `lock` in it. A lock whose owner is dead is taken over. */
export class FolderLock {
  readonly #path: string;
  readonly #text: string;

  private constructor(folder: string) {
    this.#path = join(folder, 'lock');
    this.#text = JSON.stringify({ pid: process.pid, started: startOf(process.pid) ?? '' } satisfies Owner);
  }

  /**
   * The folder must exist; throws the file system's error if it cannot be written.
   * @param locked the error to throw when a living process has the folder; 0: it could not be told which.
   */
  static take(folder: string, locked: (pid: number) => Error): FolderLock {
    const lock = new FolderLock(folder);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (lock.#link()) return lock;
      const text = readText(lock.#path);
      if (text === undefined) continue;
      const owner = readOwner(text);
      if (owner && isAlive(owner)) throw locked(owner.pid);
      clearStale(lock.#path, text);
    }
    throw locked(0);
  }

  /** A link appears with its content, so nobody reads a half-written lock. */
  #link(): boolean {
    const fresh = `${this.#path}.${process.pid}.new`;
    writeFileSync(fresh, this.#text, { mode: 0o600 });
    try {
      linkSync(fresh, this.#path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return false;
    } finally {
      unlinkSync(fresh);
    }
  }

  /** Safe twice; leaves alone what another process put there. */
  release(): void {
    if (readText(this.#path) === this.#text) unlinkSync(this.#path);
  }
}
