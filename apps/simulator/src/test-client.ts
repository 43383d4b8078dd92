import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Clock } from '@busbar/model';
import { buildRequest, encodeMbap, type MbapFrame, MbapFramer, type ModbusRequest } from '@busbar/protocol-modbus';
import type { HostPort } from '@busbar/service-kit';

/** A clock that moves when told. */
export class TestClock implements Clock {
  private nowMs = 1_000;

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.nowMs;
  }

  advance(ms: number): void {
    this.nowMs += ms;
  }
}

/** A bare Modbus TCP client that shows all that arrives. */
export class TestClient {
  /** Octets as they came, one entry per data event. */
  readonly segments: Buffer[] = [];
  readonly closed: Promise<unknown>;
  private readonly framer = new MbapFramer();
  private readonly frames: MbapFrame[] = [];
  private readonly takers: ((frame: MbapFrame) => void)[] = [];
  private transaction = 0;

  private constructor(private readonly socket: Socket) {
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      this.segments.push(chunk);
      this.framer.push(chunk, (frame) => {
        const take = this.takers.shift();
        if (take) take(frame);
        else this.frames.push(frame);
      });
    });
  }

  static async connect({ host, port }: HostPort): Promise<TestClient> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, 'connect');
    return new TestClient(socket);
  }

  /** @returns the transaction id. */
  send(unit: number, request: ModbusRequest): number {
    this.transaction++;
    this.socket.write(encodeMbap({ transaction: this.transaction, unit, pdu: buildRequest(request) }));
    return this.transaction;
  }

  sendOctets(octets: Buffer): void {
    this.socket.write(octets);
  }

  /** The next whole frame. */
  next(): Promise<MbapFrame> {
    const frame = this.frames.shift();
    return frame ? Promise.resolve(frame) : new Promise((resolve) => this.takers.push(resolve));
  }

  /** The PDU that answers. */
  async ask(unit: number, request: ModbusRequest): Promise<Buffer> {
    this.send(unit, request);
    return Buffer.from((await this.next()).pdu);
  }

  /** The octets of registers that were read. */
  async read(unit: number, fc: 3 | 4, range: { address: number; quantity: number }): Promise<Buffer> {
    const pdu = await this.ask(unit, { fc, ...range });
    if ((pdu[0] ?? 0) >= 0x80) throw new Error(`exception ${pdu[1]}`);
    return pdu.subarray(2);
  }

  /** Resolves once `octets` in all have arrived. */
  async received(octets: number): Promise<Buffer> {
    for (;;) {
      const all = Buffer.concat(this.segments);
      if (all.length >= octets) return all;
      await once(this.socket, 'data');
    }
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}

/** One call of the HTTP side: status and, if there is one, the JSON body. */
export async function call(
  http: HostPort,
  route: string,
  options: { readonly method?: string; readonly body?: unknown } = {},
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const { method = 'GET', body } = options;
  const init =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(`http://${http.host}:${http.port}${route}`, { method, ...init });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
}
