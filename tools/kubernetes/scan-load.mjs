// A collector workload scaled on its scan load: the metric comes by the external metrics API, as prometheus-adapter or
// KEDA would serve it. Here a pod of our own image serves it, from what the collectors' /metrics say.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './cluster.mjs';

const GROUP = 'external.metrics.k8s.io';
const NAME = 'scan-load';
const PORT = 6443;

/** Runs in the pod: the mean of collector_scan_load over the connections of a workload's pods. */
const SERVER = `
const { createServer } = require('node:https');
const { readFileSync } = require('node:fs');
const G = '${GROUP}/v1beta1';
async function load(workload) {
  const text = await (await fetch('http://' + workload + ':8080/metrics')).text();
  const values = [...text.matchAll(/^collector_scan_load\\{[^}]*\\} (\\S+)$/gm)].map((match) => Number(match[1]));
  return values.length === 0 ? 0 : values.reduce((a, b) => a + b) / values.length;
}
createServer({ key: readFileSync('/tls/tls.key'), cert: readFileSync('/tls/tls.crt') }, async (request, response) => {
  const send = (code, body) => {
    response.writeHead(code, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  const url = new URL(request.url, 'https://x');
  if (url.pathname === '/apis/' + G) {
    const resource = { name: 'collector_scan_load', singularName: '', namespaced: true, kind: 'ExternalMetricValueList', verbs: ['get'] };
    return send(200, { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: G, resources: [resource] });
  }
  if (!url.pathname.endsWith('/collector_scan_load')) return send(404, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404 });
  try {
    const workload = /workload=([a-z0-9-]+)/.exec(url.searchParams.get('labelSelector'))[1];
    const value = Math.max(1, Math.round((await load(workload)) * 1e6)) + 'u';
    const item = { metricName: 'collector_scan_load', metricLabels: { workload }, timestamp: new Date().toISOString(), value };
    send(200, { kind: 'ExternalMetricValueList', apiVersion: G, metadata: {}, items: [item] });
  } catch (error) {
    send(500, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 500, message: error.message });
  }
}).listen(${PORT});`;

function certificate() {
  const folder = mkdtempSync(join(tmpdir(), 'busbar-scan-load-'));
  try {
    const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
    const subject = ['-subj', `/CN=${NAME}`, '-days', '1', '-nodes'];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-keyout', key, '-out', cert, ...subject], {
      stdio: 'pipe',
    });
    return { 'tls.key': readFileSync(key, 'utf8'), 'tls.crt': readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function objects(namespace, image) {
  const container = {
    name: NAME,
    image,
    imagePullPolicy: 'IfNotPresent',
    args: ['-e', SERVER],
    readinessProbe: { tcpSocket: { port: PORT }, periodSeconds: 1 },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    volumeMounts: [{ name: 'tls', mountPath: '/tls', readOnly: true }],
  };
  const pod = {
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 1000,
      fsGroup: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [container],
    volumes: [{ name: 'tls', secret: { secretName: NAME } }],
  };
  const labels = { app: NAME };
  return [
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: NAME }, stringData: certificate() },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: NAME, labels }, spec: pod },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: NAME },
      spec: { selector: labels, ports: [{ port: 443, targetPort: PORT }] },
    },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: `v1beta1.${GROUP}` },
      spec: {
        group: GROUP,
        version: 'v1beta1',
        service: { name: NAME, namespace, port: 443 },
        insecureSkipTLSVerify: true,
        groupPriorityMinimum: 100,
        versionPriority: 100,
      },
    },
  ];
}

/** Scales a workload up and down by what the metric is held against. */
export async function scaleOnScanLoad(cluster, { image, workload, deploy }) {
  const scaler = (value, most) =>
    [
      'enabled=true',
      'externalMetric=collector_scan_load',
      `externalValue=${value}`,
      'cpu=10000',
      `maxReplicas=${most}`,
      'scaleDownSeconds=0',
    ].map((setting) => `collectors.${workload}.autoscaling.${setting}`);
  const replicas = async () =>
    JSON.parse(await cluster.kubectl('get', `deploy/busbar-collector-${workload}`, '-o', 'json')).spec.replicas;
  await cluster.apply(objects(cluster.namespace, image));
  try {
    await cluster.kubectl('wait', `pod/${NAME}`, '--for=condition=Ready', '--timeout=60s');
    const started = Date.now();
    // Any load is beyond this.
    await deploy(['--set', scaler('0.000001', 3).join(',')]);
    await until('three collectors by the metric', async () => (await replicas()) === 3, 120_000);
    const upMs = Date.now() - started;
    const text = await cluster.kubectl('get', 'hpa', '-o', 'json');
    const told = JSON.parse(text).items[0].status.currentMetrics.find(({ type }) => type === 'External');
    await deploy(['--set', scaler('1000', 3).join(',')]);
    await until('one collector again', async () => (await replicas()) === 1, 180_000);
    return `three after ${(upMs / 1000).toFixed(0)} s at a scan load of ${told.external.current.value}`;
  } finally {
    await cluster.kubectl('delete', 'apiservice', `v1beta1.${GROUP}`, '--wait=false');
    await cluster.kubectl('delete', `pod/${NAME}`, `service/${NAME}`, `secret/${NAME}`, '--grace-period=0', '--force');
  }
}
