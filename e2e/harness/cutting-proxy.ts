import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net';

/** Passes TCP on, counts what the server sends, and cuts where it is told to. */
export class CuttingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Octets from the server to the client, over all connections. */
  received = 0;
  /** Connections that were cut. */
  cuts = 0;
  #cutAt = Number.POSITIVE_INFINITY;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(
    listen: { readonly host: string; readonly port: number },
    target: { readonly host: string; readonly port: number },
  ): Promise<CuttingProxy> {
    const server = createServer();
    const proxy = new CuttingProxy(server);
    server.on('connection', (client) => proxy.#pass(client, tcpConnect(target.port, target.host)));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(listen.port, listen.host, resolve);
    });
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** Cuts the connection that brings the octets beyond so many more; once. */
  cutAfter(octets: number): void {
    this.#cutAt = this.received + octets;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #pass(client: Socket, server: Socket): void {
    const both = [client, server];
    for (const socket of both) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        for (const other of both) other.destroySoon();
      });
    }
    client.pipe(server);
    server.on('data', (chunk: Buffer) => {
      this.received += chunk.length;
      if (this.received > this.#cutAt) {
        this.#cutAt = Number.POSITIVE_INFINITY;
        this.cuts++;
        for (const socket of both) socket.resetAndDestroy();
        return;
      }
      if (!client.write(chunk)) {
        server.pause();
        client.once('drain', () => server.resume());
      }
    });
    server.on('end', () => client.end());
  }
}
