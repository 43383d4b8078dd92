// npm run test:ha [seconds]: a site on three real Kafka brokers with TLS and SCRAM, of which one is killed every 30 s (300).
import { join } from 'node:path';
import { failed, Plain, prepare, root } from './prepare.mjs';
import { hasJars } from './servers/kafka.mjs';
import { closing, stages } from './stages.mjs';

async function main() {
  const seconds = Number(process.argv[2] ?? '300');
  if (!Number.isInteger(seconds) || seconds < 1)
    throw new Plain('Give the length in whole seconds: npm run test:ha 300');
  if (!hasJars()) throw new Plain('The test of high availability starts brokers itself: install Java 17 and Maven.');
  await prepare();
  const { stage, total } = stages();
  const vitest = join(root, 'node_modules', '.bin', 'vitest');
  const env = { BUSBAR_TEST_HA_SECONDS: String(seconds) };
  await stage('broker kills', vitest, ['run', '--config', 'vitest.ha.config.ts'], env);
  process.stdout.write(`\n${closing(total)}\n`);
  process.exit(total.failed === 0 ? 0 : 1);
}

main().catch(failed);
