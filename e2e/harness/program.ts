import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

/** One process of the product, as a user starts it; its output is kept. */
export class Program {
  readonly name: string;
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | null = null;
  #output = '';
  #closed: Promise<number | null> = Promise.resolve(null);

  constructor(name: string, env: Readonly<Record<string, string>>) {
    this.name = name;
    this.#env = env;
  }

  get output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    const main = join(root, 'apps', this.name.replace(/-\d+$/, ''), 'dist', 'main.js');
    const env: Record<string, string> = {};
    for (const [key, value] of Object.entries(process.env)) {
      if (value !== undefined && !key.startsWith('BUSBAR_')) env[key] = value;
    }
    const child = spawn(process.execPath, ['--enable-source-maps', main], {
      cwd: root,
      env: { ...env, ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-2_000_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    this.#child = child;
    this.#closed = new Promise((resolve) => {
      child.on('close', (code) => {
        if (this.#child === child) this.#child = null;
        resolve(code);
      });
    });
  }

  /** Resolves with the exit code, null after a signal. */
  closed(): Promise<number | null> {
    return this.#closed;
  }

  async stop(): Promise<number | null> {
    this.#child?.kill('SIGTERM');
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), 15_000);
    const code = await this.#closed;
    clearTimeout(timer);
    return code;
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#closed;
  }
}
