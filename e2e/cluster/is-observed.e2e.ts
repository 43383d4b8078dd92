import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionView, PointsView } from '@busbar/api-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  alertNames,
  labelsOf,
  panelQueries,
  ruleFiles,
  ruleTests,
  selectorsOf,
  variableQueries,
} from '../harness/observed-chart.js';
import { root } from '../harness/program.js';
import { Prometheus } from '../harness/prometheus.js';
import { hasProgram } from '../harness/python-peer.js';
import { CLUSTER_PROGRAMS, type Servers, startServers } from '../harness/servers.js';
import { Site } from '../harness/site.js';
import { until } from '../harness/until.js';

const SERVICES = [...CLUSTER_PROGRAMS, 'file-collector'] as const;
/** Read input registers 0 and 1 of unit 1. */
const MODBUS_READ = Buffer.from([0, 1, 0, 0, 0, 6, 1, 4, 0, 0, 0, 2]);

const lacking = ['prometheus', 'promtool'].filter((name) => !hasProgram(name));
if (lacking.length > 0) process.stdout.write(`SKIPPED, not installed here: ${lacking.join(', ')}\n`);

describe.skipIf(lacking.length > 0)('the dashboards and alerts of the chart, on a real Prometheus', () => {
  const folder = mkdtempSync(join(tmpdir(), 'busbar-prometheus-'));
  let servers: Servers;
  let site: Site;
  let prometheus: Prometheus;

  beforeAll(async () => {
    servers = await startServers();
    site = await Site.start({ programs: SERVICES, env: servers.env });
    const targets = await Promise.all(
      SERVICES.map(async (name) => ({ address: await addressOf(name), labels: labelsOf(name) })),
    );
    prometheus = await Prometheus.start(folder, { targets, rules: ruleFiles });
    await until('values flow and both servers listen', async () => {
      const { points } = (await site.api<PointsView>('/points')).body;
      const { connections } = (await site.api<{ connections: ConnectionView[] }>('/connections')).body;
      const forwarding = connections.filter(({ kind }) => kind === 'forwarding');
      return (
        points.some(({ quality }) => quality === 'good') &&
        forwarding.length === 2 &&
        forwarding.every(({ server }) => server?.port)
      );
    });
  }, 180_000);

  afterAll(async () => {
    await prometheus?.stop();
    await site?.stop();
    await servers?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Where a service gives its metrics: the API at its own port, the others say theirs. */
  function addressOf(name: string): Promise<string> | string {
    if (name === 'api') return `127.0.0.1:${site.ports.http}`;
    return until(`${name} listens`, () => /listens on http:\/\/(\S+)/.exec(site.program(name).output)?.[1]);
  }

  let asked = 0;

  /** One command that is carried out, one that is refused, one master that reads. */
  async function use(): Promise<void> {
    const command = (value: number) => {
      asked += 1;
      const ask = { id: `observed-${asked}`, point: 'inv-03/INV.PowerLimit', value, expiresMs: 20_000 };
      return site.api('/control/requests', { method: 'POST', body: JSON.stringify(ask) });
    };
    await Promise.all([command(50 + (asked % 20)), command(5), readByModbus()]);
  }

  async function readByModbus(): Promise<void> {
    const socket = connect(site.ports.forwardedModbus, '127.0.0.1');
    try {
      await once(socket, 'connect');
      socket.write(MODBUS_READ);
      await once(socket, 'data');
    } finally {
      socket.destroy();
    }
  }

  it('every service gives its metrics', async () => {
    await until('every target is up', async () => {
      const targets = await prometheus.targets();
      return targets.size === SERVICES.length && [...targets.values()].every((health) => health === 'up');
    });
  });

  it('every panel of every dashboard shows something', async () => {
    let empty: string[] = [];
    await until(
      'every panel shows something',
      async () => {
        await use();
        empty = [];
        for (const { panel, query, isInstant } of panelQueries()) {
          const series = await (isInstant ? prometheus.instant(query) : prometheus.range(query));
          if (!series.some(({ values }) => values.some(Number.isFinite))) empty.push(`${panel}: ${query}`);
        }
        if (empty.length > 0) throw new Error(`nothing to see in\n${empty.join('\n')}`);
        return true;
      },
      120_000,
    );
  });

  it('every variable of every dashboard has something to choose', async () => {
    for (const { name, series, label } of variableQueries()) {
      const found = await prometheus.instant(series);
      expect(
        found.filter(({ metric }) => metric[label]),
        name,
      ).not.toEqual([]);
    }
  });

  it('every alert looks at series that are there, and fires for none of them on a site that is well', async () => {
    const rules = await until('every rule is evaluated', async () => {
      const all = await prometheus.rules();
      return all.every(({ health }) => health !== 'unknown') && all;
    });
    expect(rules.map(({ name }) => name).sort()).toEqual([...alertNames].sort());
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
    for (const { name, query } of rules) {
      for (const selector of selectorsOf(query)) {
        expect(await prometheus.instant(selector), `${name}: ${selector}`).not.toEqual([]);
      }
    }
    await until('no alert is firing or about to', async () => {
      const alerts = await prometheus.alerts();
      return alerts.length === 0 || Promise.reject(new Error(JSON.stringify(alerts)));
    });
  });

  it('promtool finds no fault with the rules, and each fires and stays silent as its test says', () => {
    execFileSync('promtool', ['check', 'rules', ...ruleFiles], { encoding: 'utf8', stdio: 'pipe' });
    const output = execFileSync('promtool', ['test', 'rules', ...ruleTests], { encoding: 'utf8', stdio: 'pipe' });
    expect(output.match(/SUCCESS/g)).toHaveLength(ruleTests.length);
    const tests = ruleTests.map((file) => readFileSync(file, 'utf8')).join('\n');
    for (const alert of alertNames) {
      expect(tests).toContain(`- name: ${alert} fires`);
      expect(tests).toContain(`- name: ${alert} stays silent`);
    }
  });

  it('every alert has a runbook that says what to do', async () => {
    const page = readFileSync(join(root, 'docs', 'guides', 'alerts.md'), 'utf8');
    const anchors = [...page.matchAll(/^## (\w+)$/gm)].map(([, name]) => name?.toLowerCase());
    for (const { name, labels, annotations } of await prometheus.rules()) {
      expect(labels.severity, name).toMatch(/^(warning|critical)$/);
      expect(annotations.summary, name).toBeTruthy();
      expect(annotations.description, name).toBeTruthy();
      expect(annotations.runbook_url).toBe(`docs/guides/alerts.md#${name.toLowerCase()}`);
      expect(anchors).toContain(name.toLowerCase());
    }
  });
});
