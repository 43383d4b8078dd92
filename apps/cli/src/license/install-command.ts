import { join } from 'node:path';
import { isBusbarError } from '@busbar/errors';
import { licenseRefusal, tokenOf, unverifiedLicense, verifyLicense } from '@busbar/licensing';
import { Command, Option } from 'commander';
import { CommandEnd, EXIT, type Terminal } from '../terminal.js';
import { dataOption, keysOption, readTextFile, readTrust, replaceFile } from './license-file.js';
import { licenseWords, refusalWords } from './license-words.js';

interface InstallOptions {
  readonly data: string;
  readonly license?: string;
  readonly keys?: string;
  readonly site?: string;
}

export function installCommand(terminal: Terminal): Command {
  return new Command('install')
    .description('put a license where the licenser finds it; a running Busbar takes it within seconds')
    .argument('<file>', 'license file')
    .addOption(dataOption())
    .addOption(
      new Option('--license <file>', 'write here (license/busbar.license in the data folder)').env('BUSBAR_LICENSE'),
    )
    .addOption(keysOption())
    .option('--site <id>', 'refuse it unless it is for this site')
    .action(async (path: string, { data, license: place, keys, site }: InstallOptions) => {
      const token = tokenOf(await readTextFile(path));
      const { license } = unverifiedLicense(token);
      const trust = await readTrust(keys);
      try {
        const verified = trust ? await verifyLicense(token, trust) : { license, key: '', token };
        const refusal = licenseRefusal(verified, site ?? license.site, Date.now());
        // One that begins later may lie ready.
        if (refusal && refusal.code !== 'LICENSE_FUTURE') return refuse(terminal, refusal);
      } catch (error) {
        if (isBusbarError(error)) return refuse(terminal, error.diagnosis);
        throw error;
      }
      const target = place ?? join(data, 'license', 'busbar.license');
      await replaceFile(target, `${token}\n`);
      for (const line of licenseWords(license)) terminal.out(line);
      terminal.out(`installed  ${target}${trust ? '' : '   not verified here: the licenser does'}`);
    });
}

function refuse(terminal: Terminal, diagnosis: Parameters<typeof refusalWords>[0]): never {
  terminal.err(refusalWords(diagnosis));
  terminal.err('nothing was changed');
  throw new CommandEnd(EXIT.refused);
}
