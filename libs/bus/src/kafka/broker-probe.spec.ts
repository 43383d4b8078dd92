import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { probeBrokers } from './broker-probe.js';

describe('asking the brokers', () => {
  const servers: Server[] = [];

  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function listen(): Promise<string> {
    const server = createServer((socket) => socket.destroy());
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

  it('finds one that takes the connection', async () => {
    expect(await probeBrokers([await refusing(), await listen()])).toBe('open');
  });

  it('says refused only when all refuse or have no address', async () => {
    expect(await probeBrokers([await refusing()])).toBe('refused');
    expect(await probeBrokers([await refusing(), await refusing()])).toBe('refused');
  });
});
