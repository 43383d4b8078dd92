import type { ServerSpec } from '@busbar/server-sdk';
import { afterEach } from 'vitest';
import type { ClientSimulator, SimulatedClient } from './client-simulator.js';
import { type TestServer, type TestServerOptions, testServerHost } from './test-server.js';

export const WAIT = { timeout: 5_000, interval: 5 };

export interface ServerBench<Config> {
  /** Listens. */
  start(options?: Omit<TestServerOptions, 'config'>): Promise<TestServer<Config>>;
  connect(server: TestServer<Config>, localAddress?: string): Promise<SimulatedClient>;
}

/** Servers and masters of one test, closed after it. */
export function serverBench<Config>(spec: ServerSpec<Config>, simulator: ClientSimulator): ServerBench<Config> {
  const servers: TestServer<Config>[] = [];
  const clients: SimulatedClient[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  return {
    async start(options = {}) {
      const server = testServerHost(spec, {
        config: simulator.config,
        ...(simulator.clients && { clients: simulator.clients }),
        ...options,
      });
      servers.push(server);
      await server.listen();
      return server;
    },
    async connect(server, localAddress) {
      const from = localAddress === undefined ? undefined : { localAddress };
      const client = await simulator.connect(server.port, from);
      clients.push(client);
      return client;
    },
  };
}
