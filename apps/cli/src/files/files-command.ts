import {
  type FileTasksView,
  type FileTaskView,
  type FileView,
  fileAskedSchema,
  fileTaskFilesViewSchema,
  fileTasksViewSchema,
} from '@busbar/api-schema';
import { Command } from 'commander';
import { diagnosisText } from '../license/diagnosis-text.js';
import { ServerLink, type ServerOptions, withServer } from '../server-link.js';
import type { Terminal } from '../terminal.js';

type Listing = ServerOptions & { readonly json?: boolean };

/** Tasks that collect files from devices, and their files. */
export function filesCommand(terminal: Terminal): Command {
  const files = new Command('files').description('file tasks: look at them, start them, try again what failed');
  const link = (options: ServerOptions) => new ServerLink(options, terminal);
  const ask = async (options: ServerOptions, task: string, what: { act: string; file?: string }): Promise<void> => {
    const body = what.file === undefined ? {} : { file: what.file };
    const path = `/files/${encodeURIComponent(task)}/${what.act}`;
    const { id } = await link(options).call(fileAskedSchema, path, { method: 'POST', body });
    terminal.out(`asked      ${id}   look at it by: busbar files list ${task}`);
  };
  files.addCommand(
    withServer(new Command('list'))
      .description('the tasks and how they are; with a task: its files, the newest first')
      .argument('[task]', 'id of a task')
      .option('--json', 'for programs')
      .action(async (task: string | undefined, options: Listing) => {
        if (task === undefined) {
          const view = await link(options).call(fileTasksViewSchema, '/files/tasks');
          if (options.json) terminal.out(JSON.stringify({ schema: 1, ...view }));
          else for (const line of taskLines(view)) terminal.out(line);
          return;
        }
        const view = await link(options).call(fileTaskFilesViewSchema, `/files/tasks/${encodeURIComponent(task)}`);
        if (options.json) terminal.out(JSON.stringify({ schema: 1, ...view }));
        else for (const line of fileLines(view.files)) terminal.out(line);
      }),
  );
  files.addCommand(
    withServer(new Command('run'))
      .description('run a task now, whatever its schedule says')
      .argument('<task>', 'id of a task')
      .action((task: string, options: ServerOptions) => ask(options, task, { act: 'run' })),
  );
  files.addCommand(
    withServer(new Command('retry'))
      .description('try what failed without waiting any longer')
      .argument('<task>', 'id of a task')
      .argument('[file]', 'path at the source; all of them without it')
      .action((task: string, file: string | undefined, options: ServerOptions) =>
        ask(options, task, { act: 'retry', ...(file === undefined ? {} : { file }) }),
      ),
  );
  files.addCommand(
    withServer(new Command('deliver'))
      .description('send a kept copy to the clouds once more')
      .argument('<task>', 'id of a task')
      .argument('<file>', 'path at the source')
      .action((task: string, file: string, options: ServerOptions) => ask(options, task, { act: 'deliver', file })),
  );
  return files;
}

function taskLines({ tasks }: FileTasksView): string[] {
  if (tasks.length === 0) return ['no file tasks'];
  const rows = tasks.map(({ task, timezone, health }: FileTaskView) => [
    task,
    health?.state ?? 'starting',
    when(health?.lastRunAt, timezone),
    when(health?.nextRunAt, timezone),
    String(health?.uploaded ?? ''),
    String(health?.waiting ?? ''),
    String(health?.keptBytes ?? ''),
    health?.diagnosis ? diagnosisText(health.diagnosis) : '',
  ]);
  return table(['TASK', 'STATE', 'LAST RUN', 'NEXT RUN', 'UPLOADED', 'WAITING', 'KEPT', 'WHY'], rows);
}

function fileLines(files: readonly FileView[]): string[] {
  if (files.length === 0) return ['no files yet'];
  const rows = files.map(({ file, state, bytes, size, at, diagnosis }) => [
    file,
    state,
    size === null ? String(bytes) : `${bytes}/${size}`,
    new Date(at).toISOString(),
    diagnosis ? diagnosisText(diagnosis) : '',
  ]);
  return table(['FILE', 'STATE', 'OCTETS', 'AT', 'WHY'], rows);
}

/** By the clock of the site, so that it can be compared with its schedule. */
function when(at: number | null | undefined, timezone: string): string {
  if (at === null || at === undefined) return '-';
  return new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short', timeStyle: 'medium' }).format(at);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => [...(row[column] ?? '')].length)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
