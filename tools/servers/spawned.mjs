// A server program as a child: started, awaited until it answers, killed hard or stopped in order.
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { connect, createServer } from 'node:net';
import { Plain } from '../prepare.mjs';

/** A free TCP port on the loopback. Another program may take it before it is used: callers try again then. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export function hasProgram(name) {
  const finder = process.platform === 'win32' ? 'where' : 'which';
  return spawnSync(finder, [name], { stdio: 'ignore' }).status === 0;
}

export function hasDocker() {
  return hasProgram('docker') && spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 }).status === 0;
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

export async function untilAnswers(port, { name, timeoutMs = 60_000, ended = () => false, log = '' }) {
  const deadline = Date.now() + timeoutMs;
  while (!(await answers(port))) {
    if (ended()) throw new Plain(`${name} ended at its start; see ${log}`);
    if (Date.now() > deadline) throw new Plain(`${name} does not answer at port ${port}; see ${log}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Starts a program; `ready` resolves when it can be used. */
export async function spawned({ name, command, args, cwd, env, log, uid, gid, port, ready }) {
  const output = createWriteStream(log, { flags: 'a' });
  const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'], uid, gid });
  let hasEnded = false;
  const closed = new Promise((resolve) => child.on('close', resolve)).then((code) => {
    hasEnded = true;
    output.end();
    return code;
  });
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  const failed = new Promise((_, reject) => {
    child.on('error', (error) => reject(new Plain(`${name} cannot be started: ${error.message}`)));
  });
  failed.catch(() => undefined);
  const ended = () => hasEnded;
  await Promise.race([failed, ready ? ready({ child, ended }) : untilAnswers(port, { name, ended, log })]);
  const end = async (signal, timeoutMs) => {
    if (hasEnded) return;
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    await closed;
    clearTimeout(timer);
  };
  return { child, closed, ended, stop: () => end('SIGTERM', 10_000), kill: () => end('SIGKILL', 1000) };
}
