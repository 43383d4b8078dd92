// A forwarding server in a process of its own: its CPU and memory are nobody else's.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../../tools/prepare.mjs';

const PROGRAMS = { iec104: 'test-wide-plant.js', modbus: 'test-scan-plant.js' };

/** Listens; `load` as the program's options. The libraries must be built. */
export async function startPlant(server, load = {}) {
  const options = Object.entries(load).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = fork(join(root, 'libs/servers', server, 'dist', PROGRAMS[server]), options, {
    execArgv: ['--expose-gc'],
  });
  const ended = new Promise((_, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  ended.catch(() => undefined);
  const said = () => Promise.race([new Promise((resolve) => child.once('message', resolve)), ended]);
  const { port } = await said();
  const figures = () => {
    const answer = said();
    child.send('figures');
    return answer;
  };
  return { port, figures, stop: () => child.connected && child.disconnect() };
}
