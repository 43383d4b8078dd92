// A real Prometheus, which asks every second.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, spawned } from './spawned.mjs';

/**
 * Scrapes the targets with the labels given to each, and evaluates the rule files.
 * @param {string} folder
 * @param {{ targets: readonly { address: string, labels: Readonly<Record<string, string>> }[], rules: readonly string[] }} what
 */
export async function startPrometheus(folder, { targets, rules }) {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'prometheus.yml');
  const groups = targets.map(({ address, labels }) => ({ targets: [address], labels }));
  // JSON is YAML.
  const content = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: rules,
    scrape_configs: [{ job_name: 'busbar', metrics_path: '/metrics', static_configs: groups }],
  };
  writeFileSync(config, JSON.stringify(content));
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=${address}`,
  ];
  const log = join(folder, 'prometheus.log');
  const server = await spawned({ name: 'Prometheus', command: 'prometheus', args, cwd: folder, log, port });
  return { url: `http://${address}`, stop: server.stop };
}
