// One namespace of a cluster, as the test sees it: helm, kubectl, and HTTP of what runs in it.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Plain, root } from '../prepare.mjs';
import { capture } from './programs.mjs';

export const CHART = join(root, 'charts', 'busbar');
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until it is so; a question that fails is asked again. */
export async function until(what, ask, waitMs = 90_000) {
  let last;
  for (const giveUpAt = Date.now() + waitMs; Date.now() < giveUpAt; await sleep(500)) {
    try {
      const answer = await ask();
      if (answer) return answer;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`not within ${waitMs / 1000} s: ${what}${last ? ` (${last.message})` : ''}`);
}

export class Cluster {
  constructor(node, namespace) {
    this.node = node;
    this.namespace = namespace;
    this.env = { ...process.env, KUBECONFIG: node.kubeconfig };
  }

  kubectl(...args) {
    return capture(this.node.kubectl, ['-n', this.namespace, ...args], this.env);
  }

  helm(...args) {
    return capture(this.node.helm, [...args, '-n', this.namespace], this.env);
  }

  /** The namespace, where only pods of the "restricted" standard are let in. */
  async open() {
    await this.kubectl('create', 'namespace', this.namespace);
    await this.kubectl('label', 'namespace', this.namespace, 'pod-security.kubernetes.io/enforce=restricted');
    const proxy = spawn(this.node.kubectl, ['proxy', '--port=0'], {
      env: this.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.proxy = proxy;
    const address = await new Promise((resolve, reject) => {
      let output = '';
      proxy.stdout.on('data', (chunk) => {
        output += chunk;
        const found = /serve on (\S+)/.exec(output);
        if (found) resolve(found[1]);
      });
      proxy.on('close', () => reject(new Plain('kubectl proxy ended.')));
    });
    this.base = `http://${address}/api/v1/namespaces/${this.namespace}`;
  }

  async close() {
    this.proxy?.kill();
    await this.kubectl('delete', 'namespace', this.namespace, '--wait=true', '--timeout=120s');
  }

  async pods(component) {
    const args = component ? ['-l', `app.kubernetes.io/component=${component}`] : [];
    const { items } = JSON.parse(await this.kubectl('get', 'pods', '-o', 'json', ...args));
    return items.filter(({ metadata }) => !metadata.deletionTimestamp);
  }

  async nodeAddress() {
    const { items } = JSON.parse(await this.kubectl('get', 'nodes', '-o', 'json'));
    return items[0].status.addresses.find(({ type }) => type === 'InternalIP').address;
  }

  async apply(objects) {
    const child = spawn(this.node.kubectl, ['-n', this.namespace, 'apply', '-f', '-'], {
      env: this.env,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    child.stdin.end(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    const code = await new Promise((resolve) => child.on('close', resolve));
    if (code !== 0) throw new Error('kubectl apply failed');
  }

  /** HTTP of a Service or pod (`services/name:port`, `pods/name:port`) by way of the API server. */
  async http(target, path, body) {
    const init = body
      ? { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
      : {};
    const response = await fetch(`${this.base}/${target}/proxy/api/v1${path}`, init);
    const text = await response.text();
    if (!response.ok && !text.startsWith('{')) throw new Error(`${response.status} ${text.slice(0, 200)}`);
    return JSON.parse(text);
  }

  /** Runs a program of the image in a running pod. */
  exec(pod, script) {
    return this.kubectl('exec', pod, '--', '/usr/local/bin/node', '-e', script);
  }

  /** A pod that ran to its end: its log, or what went wrong. */
  async untilDone(name, waitMs = 120_000) {
    const phase = await until(
      `${name} has ended`,
      async () => {
        const { status } = JSON.parse(await this.kubectl('get', 'pod', name, '-o', 'json'));
        return ['Succeeded', 'Failed'].includes(status.phase) && status.phase;
      },
      waitMs,
    );
    const log = await this.kubectl('logs', name);
    if (phase === 'Failed') throw new Error(`${name} failed: ${log.slice(-500)}`);
    return log;
  }

  /** `helm install|upgrade --wait`; ends at once when a pod can never become ready. */
  async deploy(verb, release, args) {
    let isOver = false;
    const watch = (async () => {
      while (!isOver) {
        await sleep(2_000);
        for (const { metadata, status } of await this.pods().catch(() => [])) {
          for (const { state, restartCount } of status.containerStatuses ?? []) {
            if (restartCount > 3 || ['ErrImageNeverPull', 'InvalidImageName'].includes(state?.waiting?.reason)) {
              throw new Error(`${metadata.name} does not start: ${JSON.stringify(state)}`);
            }
          }
        }
      }
      return new Promise(() => undefined);
    })();
    try {
      return await Promise.race([this.helm(verb, release, CHART, '--wait', '--timeout', '5m', ...args), watch]);
    } finally {
      isOver = true;
    }
  }
}
