// A real Mosquitto, the MQTT broker that we did not write.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Plain } from '../prepare.mjs';
import { freePort, hasProgram, spawned } from './spawned.mjs';

const DEBIAN = '/usr/sbin/mosquitto';

export function mosquittoProgram() {
  if (hasProgram('mosquitto')) return 'mosquitto';
  return existsSync(DEBIAN) ? DEBIAN : undefined;
}

export async function startMosquitto(folder, givenPort) {
  const command = mosquittoProgram();
  if (!command) throw new Plain('No Mosquitto: install it (Debian: mosquitto).');
  mkdirSync(folder, { recursive: true });
  const port = givenPort ?? (await freePort());
  const config = join(folder, 'mosquitto.conf');
  const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'persistence false', 'max_queued_messages 0'];
  writeFileSync(config, `${lines.join('\n')}\nmax_inflight_messages 0\nset_tcp_nodelay true\n`);
  const log = join(folder, 'mosquitto.log');
  const server = await spawned({ name: 'Mosquitto', command, args: ['-c', config], cwd: folder, log, port });
  return { what: 'Mosquitto', port, url: `mqtt://127.0.0.1:${port}`, stop: server.stop, kill: server.kill };
}
