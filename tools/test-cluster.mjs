// npm run test:cluster: the contract suites and scenarios on a real Apache Kafka, PostgreSQL and Mosquitto.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failed, prepare, root } from './prepare.mjs';
import { startKafka } from './servers/kafka.mjs';
import { mosquittoProgram } from './servers/mosquitto.mjs';
import { startPostgres } from './servers/postgres.mjs';
import { closing, stages } from './stages.mjs';

async function main() {
  await prepare();
  const folder = mkdtempSync(join(tmpdir(), 'busbar-cluster-'));
  chmodSync(folder, 0o755);
  const servers = [];
  const lacking = [];
  const start = async (begin, name) => {
    try {
      const server = await begin(join(folder, name));
      servers.push(server);
      process.stdout.write(`${name}: ${server.what}\n`);
      return server;
    } catch (error) {
      lacking.push(error.message);
      return undefined;
    }
  };
  const kafka = await start(startKafka, 'kafka');
  const postgres = await start(startPostgres, 'postgres');
  if (!mosquittoProgram()) lacking.push('No Mosquitto: install it (Debian: mosquitto).');
  if (lacking.length > 0) {
    await Promise.all(servers.map((server) => server.stop()));
    process.stderr.write(`The cluster test lacks:\n${lacking.map((line) => `  ${line}`).join('\n')}\n`);
    process.exit(1);
  }
  const { stage, total } = stages();
  const vitest = join(root, 'node_modules', '.bin', 'vitest');
  const suite = (project) => ['run', '--config', 'vitest.cluster.config.ts', '--root', join(root, project)];
  try {
    const env = { BUSBAR_KAFKA_BROKERS: kafka.brokers, BUSBAR_DATABASE_URL: postgres.url };
    await stage('bus contract on Kafka', vitest, suite('libs/bus'), env);
    await stage('store contract on PostgreSQL', vitest, suite('libs/store'), env);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
  await stage('scenarios on Kafka', vitest, ['run', '--config', 'vitest.cluster.config.ts'], {});
  process.stdout.write(`\n${closing(total)}\n`);
  process.exit(total.failed === 0 ? 0 : 1);
}

main().catch(failed);
