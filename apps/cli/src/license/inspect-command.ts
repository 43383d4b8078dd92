import { isBusbarError } from '@busbar/errors';
import {
  licenseRefusal,
  stateAt,
  timesOf,
  tokenOf,
  unverifiedLicense,
  type VerifiedLicense,
  verifyLicense,
} from '@busbar/licensing';
import { Command } from 'commander';
import { CommandEnd, EXIT, type Terminal } from '../terminal.js';
import { keysOption, readTextFile, readTrust } from './license-file.js';
import { licenseWords, refusalWords } from './license-words.js';

interface InspectOptions {
  readonly keys?: string;
  readonly site?: string;
  readonly json?: boolean;
}

export function inspectCommand(terminal: Terminal): Command {
  return new Command('inspect')
    .description('say what a license grants, and whether it holds')
    .argument('<file>', 'license file')
    .addOption(keysOption())
    .option('--site <id>', 'also: is it for this site?')
    .option('--json', 'for programs')
    .action(async (path: string, { keys, site, json }: InspectOptions) => {
      const token = tokenOf(await readTextFile(path));
      const claimed = unverifiedLicense(token);
      const trust = await readTrust(keys);
      const verdict = await judge(trust && (() => verifyLicense(token, trust)), site);
      if (json) terminal.out(JSON.stringify({ schema: 1, key: claimed.key, ...verdict, license: claimed.license }));
      else {
        for (const line of licenseWords(claimed.license)) terminal.out(line);
        terminal.out(`key        ${claimed.key}`);
        if (verdict.refusal) terminal.out(refusalWords(verdict.refusal));
        else if (verdict.verified) terminal.out(`verified   by a trusted key; ${verdict.state}`);
        else terminal.out('unverified: name the trusted keys by --keys');
      }
      if (verdict.refusal || !verdict.verified) throw new CommandEnd(EXIT.findings);
    });
}

async function judge(verify: (() => Promise<VerifiedLicense>) | null, site: string | undefined) {
  if (!verify) return { verified: false, state: null, refusal: null };
  try {
    const verified = await verify();
    const nowMs = Date.now();
    const refusal = licenseRefusal(verified, site ?? verified.license.site, nowMs);
    return { verified: true, state: refusal ? null : stateAt(timesOf(verified.license), nowMs), refusal };
  } catch (error) {
    if (!isBusbarError(error)) throw error;
    return { verified: false, state: null, refusal: error.diagnosis };
  }
}
