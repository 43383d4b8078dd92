import { createServer, type Server } from 'node:net';

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** First of `count` neighboring TCP ports that are free now, below the range that the system gives out by itself. */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 10_000);
    const servers: Server[] = [];
    try {
      for (let i = 0; i < count; i++) servers.push(await listen(first + i));
      return first;
    } catch {
      // Taken: try elsewhere.
    } finally {
      await Promise.all(servers.map(close));
    }
  }
  throw new Error(`no ${count} neighboring free ports`);
}
