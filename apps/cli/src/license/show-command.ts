import { join } from 'node:path';
import { BusbarError } from '@busbar/errors';
import { type EntitlementsChanged, entitlementsSchema } from '@busbar/events';
import { Command } from 'commander';
import type { Terminal } from '../terminal.js';
import { diagnosisText } from './diagnosis-text.js';
import { dataOption, readTextFile } from './license-file.js';

export function showCommand(terminal: Terminal): Command {
  return new Command('show')
    .description('say what the licenser made of the license, by its state in the data folder')
    .addOption(dataOption())
    .option('--json', 'for programs')
    .action(async ({ data, json }: { data: string; json?: boolean }) => {
      const path = join(data, 'license', 'state.json');
      const state = readState(path, await readTextFile(path));
      if (json) terminal.out(JSON.stringify({ schema: 1, ...state }));
      else for (const line of stateWords(state)) terminal.out(line);
    });
}

function readState(path: string, text: string): EntitlementsChanged {
  try {
    return entitlementsSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new BusbarError('LICENSE_FILE', { path, reason: 'it is not the state of a licenser' }, { cause });
  }
}

function stateWords({ state, site, license, limits, admitted, diagnoses, clockMs }: EntitlementsChanged): string[] {
  const access = admitted.filter(({ kind }) => kind === 'access');
  const tags = access.reduce((sum, each) => sum + each.tags, 0);
  const used = { connections: access.length, tags, forwarding: admitted.length - access.length };
  const row = (what: keyof typeof used) => `${used[what]} of ${limits[what] ?? 'unlimited'}`;
  const iso = (epochMs: number) => new Date(epochMs).toISOString();
  return [
    `state      ${state}, as of ${iso(clockMs)}`,
    `site       ${site}`,
    ...(license ? [`license    ${license.id} of ${license.holder}`] : []),
    ...(license
      ? [`valid      ${iso(license.notBefore)} to ${iso(license.notAfter)}, grace until ${iso(license.graceUntil)}`]
      : []),
    `protocols  ${limits.protocols?.join(', ') ?? 'all'}`,
    `in use     ${row('connections')} connections, ${row('tags')} tags, ${row('forwarding')} forwarding connections`,
    ...diagnoses.map((diagnosis) => `note       ${diagnosisText(diagnosis)}`),
  ];
}
