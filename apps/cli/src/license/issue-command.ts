import { issueLicense, type License } from '@busbar/licensing';
import { Command, InvalidArgumentError } from 'commander';
import type { Terminal } from '../terminal.js';
import { readTextFile, writeNewFile } from './license-file.js';
import { licenseWords } from './license-words.js';

interface IssueOptions {
  readonly key: string;
  readonly site: string;
  readonly id: string;
  readonly holder: string;
  readonly from: string;
  readonly until: string;
  readonly grace: number;
  readonly protocols: 'all' | string[];
  readonly connections: number | 'unlimited';
  readonly tags: number | 'unlimited';
  readonly forwarding: number | 'unlimited';
  readonly resetsClock?: boolean;
  readonly out?: string;
}

function number(text: string): number {
  if (!/^\d{1,8}$/.test(text)) throw new InvalidArgumentError('Write a whole number.');
  return Number(text);
}

function limit(text: string): number | 'unlimited' {
  return text === 'unlimited' ? text : number(text);
}

function forwarding(text: string): number | 'unlimited' {
  if (text === 'yes') return 'unlimited';
  return text === 'no' ? 0 : limit(text);
}

function protocols(text: string): 'all' | string[] {
  return text === 'all' ? 'all' : text.split(',').map((each) => each.trim());
}

/** A day is its first second in UTC; a time keeps its zone's instant. */
function instant(text: string): string {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const epochMs = isDay || isTime ? Date.parse(isDay ? `${text}T00:00:00Z` : text) : Number.NaN;
  // Date.parse takes February 30 for March 1.
  const isReal = isDay ? new Date(epochMs || 0).toISOString().startsWith(text) : true;
  if (Number.isNaN(epochMs) || !isReal) {
    throw new InvalidArgumentError('Write a day like 2026-12-31 (UTC), or a time like 2026-12-31T24:00:00+08:00.');
  }
  return new Date(epochMs).toISOString();
}

export function issueCommand(terminal: Terminal): Command {
  const now = new Date().toISOString();
  return new Command('issue')
    .description('sign a license for one site')
    .requiredOption('--key <file>', "the issuer's private key")
    .requiredOption('--site <id>', 'id of the site, as in its busbar.yaml')
    .requiredOption('--id <id>', 'id of the license, used once')
    .requiredOption('--holder <name>', 'who may use it')
    .option('--from <time>', 'first moment', instant, now)
    .requiredOption('--until <time>', 'last moment', instant)
    .option('--grace <days>', 'days after that in which all goes on', number, 30)
    .option('--protocols <ids>', 'all, or drivers and forwarding servers, by comma', protocols, 'all')
    .option('--connections <n>', 'connections to devices, or unlimited', limit, 'unlimited')
    .option('--tags <n>', 'tags of all of them, or unlimited', limit, 'unlimited')
    .option('--forwarding <n>', 'forwarding connections: a number, yes or no', forwarding, 0)
    .option('--resets-clock', 'once: take back a highest time that was wrong')
    .option('--out <file>', 'write here, else to standard output')
    .action(async (given: IssueOptions) => {
      const { site, id, holder, connections, tags } = given;
      const license: License = {
        format: 1,
        id,
        site,
        holder,
        issuedAt: now,
        notBefore: given.from,
        notAfter: given.until,
        graceDays: given.grace,
        protocols: given.protocols,
        connections,
        tags,
        forwarding: given.forwarding,
        ...(given.resetsClock ? { resetsClock: true } : {}),
      };
      const token = await issueLicense(license, await readTextFile(given.key));
      if (given.out === undefined) terminal.out(token);
      else {
        await writeNewFile(given.out, `${token}\n`, 0o644);
        for (const line of licenseWords(license)) terminal.out(line);
        terminal.out(`file       ${given.out}`);
      }
    });
}
