import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';

/** Where Kubernetes mounts what a pod needs to speak to it. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const HOST = 'kubernetes.default.svc';
const TIMEOUT_MS = 5_000;
/** An answer is the whole pod; a longer one is none. */
const MOST_OCTETS = 1024 * 1024;

/** What the labels of one pod need of Kubernetes. */
export interface PodApi {
  labels(signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** null takes a label off. Throws with the answer's status and message. */
  label(changes: Readonly<Record<string, string | null>>, signal: AbortSignal): Promise<void>;
}

export interface PodAddress {
  /** Name of this pod. */
  readonly pod: string;
  readonly host?: string;
  readonly port?: number;
  /** Folder with token, namespace and ca.crt. */
  readonly account?: string;
}

interface PodAnswer {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly message?: string;
}

/** Reads and patches this pod by the API of Kubernetes. The token is read each time: it is renewed while the pod runs. */
export function podApi(address: PodAddress): PodApi {
  const { pod, host = HOST, port = 443, account = ACCOUNT } = address;
  const ask = async (method: string, body: unknown, signal: AbortSignal): Promise<PodAnswer> => {
    const read = (name: string) => readFile(join(account, name), 'utf8');
    const [token, namespace, ca] = await Promise.all([read('token'), read('namespace'), read('ca.crt')]);
    const path = `/api/v1/namespaces/${namespace.trim()}/pods/${pod}`;
    const headers = {
      authorization: `Bearer ${token.trim()}`,
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/merge-patch+json' }),
    };
    return new Promise((resolve, reject) => {
      const options = { host, port, path, method, headers, ca, timeout: TIMEOUT_MS, signal };
      const asking = request(options, (response) => {
        const chunks: Buffer[] = [];
        let octets = 0;
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          octets += chunk.length;
          if (octets > MOST_OCTETS) asking.destroy(new Error('Kubernetes answers without end'));
        });
        response.on('error', reject);
        response.on('end', () => {
          const answer = parsed(Buffer.concat(chunks).toString());
          if (response.statusCode === 200) resolve(answer);
          else reject(new Error(`Kubernetes says ${response.statusCode}: ${answer.message ?? 'without a word'}`));
        });
      });
      asking.on('timeout', () => asking.destroy(new Error(`Kubernetes did not answer within ${TIMEOUT_MS} ms`)));
      asking.on('error', reject);
      asking.end(body === undefined ? undefined : JSON.stringify(body));
    });
  };
  return {
    labels: async (signal) => (await ask('GET', undefined, signal)).metadata?.labels ?? {},
    label: async (labels, signal) => {
      await ask('PATCH', { metadata: { labels } }, signal);
    },
  };
}

function parsed(text: string): PodAnswer {
  try {
    return JSON.parse(text) as PodAnswer;
  } catch {
    return { message: text.slice(0, 200) };
  }
}
