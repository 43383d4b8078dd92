/** Where a command says what it did; tests of the built program read the same streams. */
export interface Terminal {
  out(line: string): void;
  err(line: string): void;
}

export const processTerminal: Terminal = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
};

/** 0 done, 1 findings, 2 usage, 3 not reachable or not allowed, 4 refused by a rule. */
export const EXIT = { done: 0, findings: 1, usage: 2, unreachable: 3, refused: 4 } as const;

/** Ends a command with its exit code; everything was said already. */
export class CommandEnd extends Error {
  constructor(readonly exitCode: number) {
    super(`ended with ${exitCode}`);
  }
}
