import { join } from 'node:path';
import { makeKeyPair } from '@busbar/licensing';
import { Command } from 'commander';
import type { Terminal } from '../terminal.js';
import { writeNewFile } from './license-file.js';

export function keysCommand(terminal: Terminal): Command {
  return new Command('keys')
    .description("make an issuer's pair of keys")
    .requiredOption('--out <folder>', 'where to write private.pem and keys.json')
    .action(async ({ out }: { out: string }) => {
      const { id, privateKey, trustList } = await makeKeyPair();
      const files = { secret: join(out, 'private.pem'), open: join(out, 'keys.json') };
      await writeNewFile(files.secret, privateKey.endsWith('\n') ? privateKey : `${privateKey}\n`, 0o600);
      await writeNewFile(files.open, trustList, 0o644);
      terminal.out(`key        ${id}`);
      terminal.out(`private    ${files.secret}   who has it can license every site: keep it off the sites`);
      terminal.out(`public     ${files.open}   name it by BUSBAR_LICENSE_KEYS on the sites`);
    });
}
