import { connect } from 'node:net';

export type ProbeResult = 'open' | 'refused' | 'silent';

const TIMEOUT_MS = 900;

function probeOne(broker: string): Promise<ProbeResult> {
  const colon = broker.lastIndexOf(':');
  const host = broker.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(broker.slice(colon + 1));
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (result: ProbeResult) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(TIMEOUT_MS, () => end('silent'));
    socket.on('connect', () => end('open'));
    socket.on('error', (error: NodeJS.ErrnoException & { errors?: NodeJS.ErrnoException[] }) => {
      const codes = error.errors ? error.errors.map(({ code }) => code) : [error.code];
      end(codes.every((code) => code === 'ECONNREFUSED' || code === 'ENOTFOUND') ? 'refused' : 'silent');
    });
  });
}

/** `refused` only when every broker refuses, or has a name without an address: a silent one may still be at work. */
export async function probeBrokers(brokers: readonly string[]): Promise<ProbeResult> {
  const results = await Promise.all(brokers.map(probeOne));
  if (results.includes('open')) return 'open';
  return results.includes('silent') ? 'silent' : 'refused';
}
