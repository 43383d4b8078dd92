// The neutral generator and counter (bench/neutral/bench.c) as a child: devices, counting subscriber, control client.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Plain, root } from '../../tools/prepare.mjs';

export function compile(folder) {
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'bench');
  const made = spawnSync('gcc', ['-O2', '-o', program, join(root, 'bench', 'neutral', 'bench.c')], {
    encoding: 'utf8',
  });
  if (made.error || made.status !== 0)
    throw new Plain(`The generator needs gcc: ${made.error?.message ?? made.stderr}`);
  return program;
}

/** `mark` gives the counters since the last mark. */
export async function startGenerator({ program, devices, tags, port, mqttPort, topic }) {
  const args = ['-D', devices, '-T', tags, '-p', port, '-m', mqttPort, '-t', topic].map(String);
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = [];
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(JSON.parse(line)));
  child.on('close', () => {
    for (const resolve of waiting.splice(0)) resolve(undefined);
  });
  const say = (line) =>
    new Promise((resolve) => {
      waiting.push(resolve);
      child.stdin.write(`${line}\n`);
    });
  const first = await say('mark');
  if (!first) throw new Plain(`The generator ended: are ports ${port} to ${port + devices - 1} free?`);
  return {
    mark: () => say('mark'),
    command: (line) => say(line),
    stop: () => {
      child.stdin.write('quit\n');
      return new Promise((resolve) => child.on('close', resolve));
    },
  };
}
