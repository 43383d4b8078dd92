import { connect } from 'node:net';
import { connectTls, type KafkaTls } from './kafka-security.js';

export type ProbeResult = 'open' | 'refused' | 'silent';

const TIMEOUT_MS = 900;
/** ApiVersions, version 0: the one request that a broker answers to anybody, whom it does not know yet too. */
const WHO_ARE_YOU = Buffer.from('0000000a' + '0012' + '0000' + '00000000' + 'ffff', 'hex');

function probeOne(broker: string, tls: KafkaTls | undefined): Promise<ProbeResult> {
  const colon = broker.lastIndexOf(':');
  const host = broker.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(broker.slice(colon + 1));
  return new Promise((resolve) => {
    const socket = tls ? connectTls({ host, port }, tls) : connect({ host, port });
    const end = (result: ProbeResult) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(TIMEOUT_MS, () => end('silent'));
    socket.on(tls ? 'secureConnect' : 'connect', () => socket.write(WHO_ARE_YOU));
    // An answer begins with its length, below 16 MiB; one that wants TLS sends an alert (RFC 8446 §6) instead.
    socket.on('data', (answer) => end(answer[0] === 0 ? 'open' : 'silent'));
    socket.on('close', () => end('silent'));
    socket.on('error', (error: NodeJS.ErrnoException & { errors?: NodeJS.ErrnoException[] }) => {
      const codes = error.errors ? error.errors.map(({ code }) => code) : [error.code];
      end(codes.every((code) => code === 'ECONNREFUSED' || code === 'ENOTFOUND') ? 'refused' : 'silent');
    });
  });
}

/** `refused` only when every broker refuses, or has a name without an address: a silent one may still be at work. */
export async function probeBrokers(brokers: readonly string[], readTls?: () => KafkaTls): Promise<ProbeResult> {
  let tls: KafkaTls | undefined;
  try {
    tls = readTls?.();
  } catch {
    // The clients read the same files, and say what is wrong with them.
    return 'silent';
  }
  const results = await Promise.all(brokers.map((broker) => probeOne(broker, tls)));
  if (results.includes('open')) return 'open';
  return results.includes('silent') ? 'silent' : 'refused';
}
