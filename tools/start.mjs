// npm start: installs and builds what is missing, then runs simulator, cloud stand-in and the whole product.
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { failed, Plain, prepare, root } from './prepare.mjs';

async function main() {
  await prepare();
  const data = resolve(process.env.BUSBAR_DATA || './data');
  const folder = resolve(process.env.BUSBAR_PACKAGE || join(root, 'examples/pv-site'));
  const children = new Map();
  let ending = false;
  let exitCode = 0;
  // The product first: what it talks to stays until it has said good-bye. Asked a second time, all at once.
  const endRest = (signal) => {
    for (const child of children.values()) {
      if (!child.isTold) child.kill(signal);
      child.isTold = true;
    }
  };
  const end = (signal) => {
    const first = children.get('standalone');
    if (ending) for (const child of children.values()) child.kill(signal);
    else if (first) {
      first.kill(signal);
      first.isTold = true;
    } else endRest(signal);
    ending = true;
  };
  process.on('SIGINT', () => end('SIGINT'));
  process.on('SIGTERM', () => end('SIGTERM'));

  // The stand-in reads the devices' secrets at its start; the product asks for them when it connects, much later.
  for (const name of ['standalone', 'simulator']) begin(name);
  const { writeSiteSecrets } = await import('./site-secrets.mjs');
  try {
    await writeSiteSecrets({ data, folder, env: process.env });
  } catch (error) {
    // The programs that run end first; the last of them ends this one.
    process.stderr.write(`${error instanceof Plain ? error.message : error.stack || String(error)}\n`);
    exitCode = 1;
    end('SIGTERM');
    return;
  }
  if (!ending) begin('cloud');

  function begin(name) {
    const main = join(root, 'apps', name, 'dist', 'main.js');
    const env = Object.assign({}, process.env, { BUSBAR_PACKAGE: folder });
    // Without source maps, which cost a quarter of a second each; NODE_OPTIONS=--enable-source-maps brings them back.
    const child = spawn(process.execPath, [main], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    children.set(name, child);
    child.stdout.on('data', lines(name, process.stdout));
    child.stderr.on('data', lines(name, process.stderr));
    child.on('close', (code) => {
      children.delete(name);
      if (ending) {
        endRest('SIGTERM');
      } else {
        exitCode = code || 1;
        process.stderr.write(`The ${name} ended; so does the rest.\n`);
        end('SIGTERM');
      }
      if (children.size === 0) process.exit(exitCode);
    });
  }
}

/** Passes on whole lines; log lines (JSON) are led by the name of their process, the others stand alone. */
function lines(name, target) {
  let rest = '';
  return (chunk) => {
    rest += chunk;
    const parts = rest.split('\n');
    rest = parts.pop();
    for (const line of parts) target.write(shown(name, line));
  };
}

function shown(name, line) {
  if (!line.startsWith('{')) return `${line}\n`;
  let entry;
  try {
    entry = JSON.parse(line);
  } catch {
    return `${line}\n`;
  }
  const { level, time, service, name: _, msg, pid, hostname, err, ...fields } = entry;
  const details = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  // An error of the catalog says all in its message; a stack is for what nobody foresaw.
  const known = err && err.name === 'BusbarError';
  const cause = err ? ` ${(known ? err.message : err.stack) || err.message || JSON.stringify(err)}` : '';
  return `${String(time).slice(11, 23)} ${level} ${name}: ${msg}${details.join('')}${cause}\n`;
}

main().catch(failed);
