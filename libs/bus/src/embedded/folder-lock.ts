import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BusbarError } from '@busbar/errors';

interface Holder {
  readonly pid: number;
  /** Tells a process from a later one with the same pid; empty where the system does not say. */
  readonly started: string;
}

const ATTEMPTS = 5;

/** Boot and start tick of a process, from Linux' /proc; empty elsewhere or when there is none. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in parentheses and may hold blanks; the start tick is field 22.
    const tick = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    return `${boot}/${tick}`;
  } catch {
    return '';
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const started = await startOf(holder.pid);
  return started === '' || holder.started === '' || started === holder.started;
}

async function readHolder(path: string): Promise<Holder | null> {
  try {
    const holder = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder>;
    return typeof holder.pid === 'number' ? { pid: holder.pid, started: holder.started ?? '' } : null;
  } catch {
    return null;
  }
}

/** Ownership of a folder by this process. A lock whose process is dead is taken over. */
export class FolderLock {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Throws LOG_LOCKED naming the process that has the folder. */
  static async take(folder: string): Promise<FolderLock> {
    const path = join(folder, 'lock');
    const own = join(folder, `lock.${process.pid}`);
    const holder: Holder = { pid: process.pid, started: await startOf(process.pid) };
    await writeFile(own, JSON.stringify(holder));
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        try {
          await link(own, path);
          return new FolderLock(path);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        }
        const other = await readHolder(path);
        if (other && (await isAlive(other))) throw new BusbarError('LOG_LOCKED', { path: folder, pid: other.pid });
        await FolderLock.#setAside(path, other);
      }
      throw new BusbarError('LOG_LOCKED', { path: folder, pid: (await readHolder(path))?.pid ?? 0 });
    } finally {
      await rm(own, { force: true });
    }
  }

  /** Moves a dead lock away; if another process was faster and it is a living one by now, it is put back. */
  static async #setAside(path: string, dead: Holder | null): Promise<void> {
    const aside = `${path}.dead-${process.pid}`;
    try {
      await rename(path, aside);
    } catch {
      return;
    }
    const moved = await readHolder(aside);
    if (moved && (moved.pid !== dead?.pid || moved.started !== dead.started)) {
      await link(aside, path).catch(() => undefined);
    }
    await rm(aside, { force: true });
  }

  async release(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
