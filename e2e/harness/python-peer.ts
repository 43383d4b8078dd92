import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { root } from './program.js';

/** The Python that has a package: the one that the test run installed, or the machine's own. */
export function pythonWith(module: string): string | undefined {
  return [join(root, '.cache', 'venv', 'bin', 'python'), 'python3'].find(
    (python) => spawnSync(python, ['-c', `import ${module}`]).status === 0,
  );
}

export function hasProgram(name: string): boolean {
  return spawnSync('which', [name]).status === 0;
}

/** A program of e2e/peers that answers each JSON line with one. */
export class PythonPeer {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  #errors = '';

  constructor(python: string, script: string, ...args: readonly string[]) {
    this.#child = spawn(python, ['-u', join(root, 'e2e', 'peers', script), ...args]);
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-2_000);
    });
    this.#reader = createInterface(this.#child.stdout);
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  async ask<Answer>(request: unknown): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the peer ended: ${this.#errors}`);
    return JSON.parse(value) as Answer;
  }

  async stop(): Promise<void> {
    this.#reader.close();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
