// The chart without a cluster: lint, every variation of charts/busbar/ci, what must be refused.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../prepare.mjs';
import { CHART } from './cluster.mjs';
import { capture } from './programs.mjs';

const EXAMPLE = ['--set', 'simulation.enabled=true'];

/** Settings, and a word of the reason why they are refused. */
const REFUSED = [
  ['services.api.replicass=2', 'replicass'],
  ['services.apii.replicas=1', 'apii'],
  ['services.api.service.portt=1', 'portt'],
  ['collectors.all.service.port=1', 'service'],
  ['collectors.all.autoscaling.cpuu=1', 'cpuu'],
  ['collectors.Modbus.replicas=1', 'Modbus'],
  ['collectors.modbus.replicas=x', 'integer'],
  ['collectors.modbus.replicas=1', 'twice'],
  ['collectors.all.enabled=false', 'no workload'],
  ['collectors.all.serial={/dev/ttyUSB0}', 'node'],
  ['kafka.replicas=2', 'one of'],
  ['kafka.tls.enabled=true', 'outside'],
  ['kafka.embedded=false', 'brokers'],
  ['postgresql.embedded=false', 'existingSecret'],
  ['image.tagg=1', 'tagg'],
  ['simulation.enabeld=true', 'enabeld'],
  ['services.file-collector.replicas=2', 'one pod'],
  ['services.forwarder.enabled=false,forwarding.connections.grid.enabled=true', 'forwarder'],
];

export async function checkChart(helm) {
  const variations = readdirSync(join(CHART, 'ci')).map((name) => ['-f', join(CHART, 'ci', name)]);
  for (const name of ['small', 'large', 'ha']) variations.push([...EXAMPLE, '-f', join(CHART, `${name}.yaml`)]);
  const outside = ['ha', 'ha-outside'].flatMap((name) => ['-f', join(CHART, `${name}.yaml`)]);
  variations.push([...EXAMPLE, ...outside, '--set', 'kafka.brokers=kafka.example:9093']);
  for (const values of variations) {
    await capture(helm, ['lint', '--strict', '--quiet', CHART, ...values]);
    await capture(helm, ['template', 'test', CHART, ...values]);
  }
  const failures = [];
  for (const [setting, word] of REFUSED) {
    try {
      await capture(helm, ['template', 'test', CHART, ...EXAMPLE, '--set', setting]);
      failures.push(`${setting} is taken`);
    } catch (error) {
      if (!error.message.includes(word)) failures.push(`${setting}: ${error.message}`);
    }
  }
  await capture(helm, ['template', 'test', CHART]).then(
    () => failures.push('a chart without a site is taken'),
    () => undefined,
  );
  if (failures.length > 0) throw new Error(failures.join('\n'));
}

/** Drift between values.yaml and what is made from it. */
export function checkDocs() {
  return capture('node', [join(root, 'tools', 'chart-docs.mjs'), '--check']);
}
