import { createServer, type Server, type Socket } from 'node:net';
import { EXCEPTION, encodeMbap, type MbapFrame, MbapFramer, serve } from '@busbar/protocol-modbus';
import type { HostPort } from '@busbar/service-kit';
import type { SimulatedDevice } from './device.js';
import type { Fault } from './faults.js';
import { spoil } from './faulty-reply.js';

/** A client that asks and does not read is dropped at this. */
const UNSENT_OCTETS_MAX = 1 << 20;
const CONNECTIONS_MAX = 256;
const WRITE_FUNCTIONS: ReadonlySet<number> = new Set([5, 6, 15, 16]);

/** One TCP port, with one device or, by unit id, several behind it. */
export class ModbusEndpoint {
  /** In the order in which they were accepted. */
  private readonly connections = new Set<Connection>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly server: Server;

  constructor(readonly devices: readonly SimulatedDevice[]) {
    this.server = createServer({ noDelay: true }, (socket) => this.accept(socket));
    this.server.maxConnections = CONNECTIONS_MAX;
  }

  /** Where it listens; throws the system's error before `listen` is through. */
  get address(): HostPort {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('the endpoint does not listen');
    return { host: address.address, port: address.port };
  }

  listen({ host, port }: HostPort): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.off('error', reject);
        // A connection that cannot be accepted is the loss of its client, not of the simulator.
        this.server.on('error', () => {});
        resolve();
      });
    });
  }

  /** Safe twice, and before `listen`. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      for (const timer of this.timers) clearTimeout(timer);
      this.timers.clear();
      this.dropConnections();
    });
  }

  dropConnections(): void {
    for (const connection of this.connections) connection.drop();
  }

  /** The device that answers to this unit id. */
  deviceOf(unit: number): SimulatedDevice | undefined {
    return this.devices.find((device) => device.unit === null || device.unit === unit);
  }

  faultOf(unit: number): Fault | null {
    for (const device of this.devices) {
      const fault = device.faults.takeRequest(unit);
      if (fault !== null) return fault;
    }
    return null;
  }

  /** To the connection that was accepted last, whoever asked and whether or not that one is still there. */
  sendToNewest(octets: Buffer, ms: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      [...this.connections].at(-1)?.send(octets);
    }, ms);
    this.timers.add(timer);
  }

  private accept(socket: Socket): void {
    const connection = new Connection(socket, this);
    this.connections.add(connection);
    socket.once('close', () => {
      this.connections.delete(connection);
      connection.drop();
    });
    for (const device of this.devices) {
      const fault = device.faults.takeConnection();
      if (fault === null) continue;
      connection.later(fault.ms, () => connection.drop());
      return;
    }
  }
}

class Connection {
  private readonly framer = new MbapFramer();
  private readonly timers = new Set<NodeJS.Timeout>();
  private waiting: MbapFrame[] = [];
  /** While a reply is held back, later requests wait. */
  private isHeld = false;
  private withheld: Buffer | null = null;

  constructor(
    private readonly socket: Socket,
    private readonly endpoint: ModbusEndpoint,
  ) {
    socket.on('data', (chunk) => this.receive(chunk));
    // The close event that follows does the work.
    socket.on('error', () => {});
  }

  drop(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.waiting = [];
    this.socket.destroy();
  }

  send(octets: Buffer): void {
    if (this.socket.destroyed) return;
    this.socket.write(octets);
    if (this.socket.writableLength > UNSENT_OCTETS_MAX) this.drop();
  }

  /** Not any more once the connection is closed. */
  later(ms: number, act: () => void): void {
    if (this.socket.destroyed) return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
    }, ms);
    this.timers.add(timer);
  }

  private receive(chunk: Buffer): void {
    this.socket.cork();
    const fault = this.framer.push(chunk, (frame) => this.waiting.push(frame));
    this.proceed();
    this.socket.uncork();
    if (fault !== null) this.drop();
  }

  private proceed(): void {
    let next = 0;
    while (next < this.waiting.length && !this.isHeld) this.handle(this.waiting[next++] as MbapFrame);
    this.waiting = this.waiting.slice(next);
  }

  private hold(): void {
    this.isHeld = true;
    this.socket.pause();
  }

  private release(): void {
    this.isHeld = false;
    this.proceed();
    if (!this.isHeld) this.socket.resume();
  }

  private handle(request: MbapFrame): void {
    const fault = this.endpoint.faultOf(request.unit);
    const pdu = fault?.kind === 'exception' ? refusal(request, fault.code) : this.carryOut(request);
    const reply = { transaction: request.transaction, unit: request.unit, pdu };
    this.deliver(fault === null ? encodeMbap(reply) : spoil(fault.kind, reply), fault);
  }

  private carryOut(request: MbapFrame): Buffer {
    const device = this.endpoint.deviceOf(request.unit);
    if (device === undefined) return refusal(request, EXCEPTION.gatewayTargetSilent);
    const reply = serve(device.bank, request.pdu);
    if ((reply[0] ?? 0) < 0x80) {
      if (WRITE_FUNCTIONS.has(reply[0] ?? 0)) device.writes++;
      else device.reads++;
    }
    return reply;
  }

  private deliver(octets: Buffer, fault: Fault | null): void {
    switch (fault?.kind) {
      case 'silence':
        return;
      case 'delay':
        this.hold();
        this.later(fault.ms, () => {
          this.sendReply(octets);
          this.release();
        });
        return;
      case 'late':
        this.later(fault.ms, () => this.send(octets));
        return;
      case 'late-newest':
        this.endpoint.sendToNewest(octets, fault.ms);
        return;
      case 'merged':
        this.withheld = Buffer.concat([this.withheld ?? Buffer.alloc(0), octets]);
        return;
      case 'split':
        this.hold();
        this.sendPiecewise(octets, fault.ms);
        return;
      case 'reset':
        this.socket.write(octets, () => this.socket.resetAndDestroy());
        return;
      default:
        this.sendReply(octets);
    }
  }

  private sendReply(octets: Buffer): void {
    this.send(this.withheld === null ? octets : Buffer.concat([this.withheld, octets]));
    this.withheld = null;
  }

  private sendPiecewise(octets: Buffer, ms: number): void {
    if (octets.length === 0) {
      this.release();
      return;
    }
    this.later(ms, () => {
      this.send(octets.subarray(0, 1));
      this.sendPiecewise(octets.subarray(1), ms);
    });
  }
}

function refusal(request: MbapFrame, code: number): Buffer {
  return Buffer.from([(request.pdu[0] ?? 0) | 0x80, code]);
}
