import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { probeBrokers } from './broker-probe.js';

describe('asking the brokers', () => {
  const servers: Server[] = [];

  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  /** A server that says this to whoever asks, or nothing. */
  async function listen(answer: string | null = '\0\0\0\x0aI am'): Promise<string> {
    const server = createServer((socket) => {
      socket.once('data', () => (answer === null ? socket.destroy() : socket.end(answer)));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  }

  async function refusing(): Promise<string> {
    const broker = await listen();
    await new Promise((resolve) => servers.pop()?.close(resolve));
    return broker;
  }

  it('finds one that answers', async () => {
    expect(await probeBrokers([await refusing(), await listen()])).toBe('open');
  });

  it('does not take one that listens and says nothing for a broker', async () => {
    expect(await probeBrokers([await listen(null)])).toBe('silent');
    const tlsAlert = '\x15\x03\x03\0\x02\x02\x50';
    expect(await probeBrokers([await listen(tlsAlert)])).toBe('silent');
  });

  it('says refused only when all refuse or have no address', async () => {
    expect(await probeBrokers([await refusing()])).toBe('refused');
    expect(await probeBrokers([await refusing(), await refusing()])).toBe('refused');
  });
});
