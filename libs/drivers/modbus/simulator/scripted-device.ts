import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

export interface ScriptStep {
  /** Octets in hex that must come. */
  readonly sent: string;
  /** Octets in hex that go back; none: silence. */
  readonly reply?: string;
}

export function fromHex(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

export function toHex(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0').toUpperCase()).join(' ');
}

/** Plays a script of frames, for golden cases: what came is kept, whatever was expected. */
export class ScriptedDevice {
  readonly port: number;
  readonly received: string[] = [];
  /** Sent to every link as it opens. */
  greeting: Uint8Array | null = null;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, steps: readonly ScriptStep[]) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    let next = 0;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      if (this.greeting) socket.write(this.greeting);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('data', (chunk) => {
        this.received.push(toHex(chunk));
        const reply = steps[next++]?.reply;
        if (reply !== undefined) socket.write(fromHex(reply));
      });
    });
  }

  static async start(steps: readonly ScriptStep[]): Promise<ScriptedDevice> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ScriptedDevice(server, steps);
  }

  /** Sends octets that nobody asked for. */
  push(octets: Uint8Array): void {
    for (const socket of this.#sockets) socket.write(octets);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
