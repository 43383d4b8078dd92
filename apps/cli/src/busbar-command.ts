import { isBusbarError } from '@busbar/errors';
import { Command, CommanderError } from 'commander';
import { filesCommand } from './files/files-command.js';
import { licenseCommand } from './license/license-command.js';
import { CommandEnd, EXIT, type Terminal } from './terminal.js';

/** One entry per file: a command is made with the terminal that it may use. */
const COMMANDS: readonly ((terminal: Terminal) => Command)[] = [filesCommand, licenseCommand];

export function busbarCommand(terminal: Terminal): Command {
  const busbar = new Command('busbar').description('Busbar, the open edge connectivity platform');
  for (const make of COMMANDS) busbar.addCommand(make(terminal));
  const settle = (command: Command) => {
    command.exitOverride();
    command.configureOutput({
      writeOut: (text) => terminal.out(text.replace(/\n$/, '')),
      writeErr: (text) => terminal.err(text.replace(/\n$/, '')),
    });
    command.commands.forEach(settle);
  };
  settle(busbar);
  return busbar;
}

/** Runs one command line, without the names of program and script; resolves with the exit code. */
export async function runCommand(line: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await busbarCommand(terminal).parseAsync(line, { from: 'user' });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommandEnd) return error.exitCode;
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (!isBusbarError(error)) throw error;
    terminal.err(`${error.code}: ${error.message}`);
    return EXIT.findings;
  }
}
