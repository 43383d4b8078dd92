import { Command } from 'commander';
import type { Terminal } from '../terminal.js';
import { inspectCommand } from './inspect-command.js';
import { installCommand } from './install-command.js';
import { issueCommand } from './issue-command.js';
import { keysCommand } from './keys-command.js';
import { showCommand } from './show-command.js';

export function licenseCommand(terminal: Terminal): Command {
  const license = new Command('license').description('issue, look at and install licenses');
  for (const make of [showCommand, installCommand, inspectCommand, issueCommand, keysCommand]) {
    license.addCommand(make(terminal));
  }
  return license;
}
