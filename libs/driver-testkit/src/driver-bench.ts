import {
  type AnyDriver,
  type DriverContext,
  type DriverFault,
  DriverFaultError,
  type DriverSpec,
  type FrameDirection,
  type PlannedRequest,
  type Tag,
  type TagShape,
  type WriteCommand,
  type WriteResult,
} from '@busbar/driver-sdk';
import { GOOD, type Value } from '@busbar/model';
import { CollectingWriter } from './collecting-writer.js';
import type { SimulatedDevice, SimulatedTag } from './simulated-device.js';

export type UntypedDriver = DriverSpec<unknown, unknown, unknown, unknown, unknown, PlannedRequest>;

/** What became of one read of everything that the simulator has. */
export interface ScanResult {
  readonly right: number;
  readonly wrong: readonly string[];
  readonly bad: number;
  readonly fault: DriverFault | null;
}

const systemClock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };

function isEqual(a: unknown, b: unknown): boolean {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
  return text(a) === text(typeof b === 'boolean' ? Number(b) : b);
}

/** A driver at a simulated device, as a host would use it: one request at a time, a new session when one has ended. */
export class DriverBench {
  readonly driver: UntypedDriver;
  readonly simulator: SimulatedDevice;
  readonly frames: { readonly direction: FrameDirection; readonly bytes: Uint8Array }[] = [];
  session: unknown = null;
  reconnects = 0;
  readonly #readOnly: boolean;
  readonly device: unknown;
  readonly quirks: unknown;
  readonly requests: readonly PlannedRequest[];

  constructor(driver: AnyDriver, simulator: SimulatedDevice, readOnly = false) {
    // The host's view: it hands back what the driver gave out.
    this.driver = driver as unknown as UntypedDriver;
    this.simulator = simulator;
    this.#readOnly = readOnly;
    this.device = this.driver.device.parse(simulator.device);
    this.quirks = this.driver.quirks.parse(simulator.quirks);
    this.requests = this.plan(this.tags());
  }

  tag(row: TagShape, index: number): Tag<unknown> {
    const address = this.driver.address.parse(row.address, 0);
    const { type, count, length, order, access, writeMode } = row;
    return { index, address, type, count, length, order, access, writeMode };
  }

  tags(): Tag<unknown>[] {
    return this.simulator.tags.map(({ row }, index) => this.tag(row, index));
  }

  plan(tags: readonly Tag<unknown>[]): readonly PlannedRequest[] {
    return this.driver.poll?.plan({ device: this.device, quirks: this.quirks, tags }) ?? [];
  }

  context(): DriverContext<unknown> {
    return {
      connection: this.driver.connection.parse(this.simulator.connection),
      readOnly: this.#readOnly,
      clock: systemClock,
      log: { debug() {}, warn() {} },
      frame: (direction, bytes) => {
        if (this.frames.length < 1000) this.frames.push({ direction, bytes: Uint8Array.from(bytes) });
      },
      secret: async () => 'secret',
    };
  }

  async connect(signal: AbortSignal = new AbortController().signal): Promise<unknown> {
    this.session = await this.driver.connect(this.context(), signal);
    return this.session;
  }

  async close(): Promise<void> {
    const session = this.session;
    this.session = null;
    if (session !== null) await this.driver.close(session);
  }

  /** Reads one request into a fresh writer. */
  async read(request: PlannedRequest, signal: AbortSignal = new AbortController().signal): Promise<CollectingWriter> {
    const out = new CollectingWriter();
    if (this.session === null) await this.connect();
    await this.driver.poll?.read(this.session, request, out, signal);
    return out;
  }

  /** Reads everything once. A fault ends the scan; a session that is over is closed, the next scan opens another. */
  async scan(signal?: AbortSignal): Promise<ScanResult> {
    const wrong: string[] = [];
    let right = 0;
    let bad = 0;
    for (const request of this.requests) {
      let out: CollectingWriter;
      try {
        out = await this.read(request, signal);
      } catch (error) {
        if (!(error instanceof DriverFaultError)) throw error;
        await this.#afterFault(error.fault);
        return { right, wrong, bad, fault: error.fault };
      }
      for (const [index, sample] of out.samples) {
        const { row, expected } = this.simulator.tags[index] as SimulatedTag;
        if (sample.quality !== GOOD) bad++;
        else if (isEqual(sample.value, expected())) right++;
        else wrong.push(`${row.address}: ${String(sample.value)} for ${String(expected())}`);
      }
      for (const index of out.repeated) wrong.push(`tag ${index} came twice`);
    }
    return { right, wrong, bad, fault: null };
  }

  async #afterFault(fault: DriverFault): Promise<void> {
    const isOver = fault.kind === 'connection-lost' || (fault.kind === 'no-answer' && fault.sessionEnded);
    if (!isOver) return;
    this.reconnects++;
    await this.close();
  }

  command(value: Value): WriteCommand<unknown, unknown> {
    const { row } = this.simulator.writable;
    const { address, type, count, length, order, writeMode } = this.tag(row, 0);
    return { device: this.device, quirks: this.quirks, address, type, count, length, order, writeMode, value };
  }

  async write(value: Value): Promise<WriteResult> {
    if (this.session === null) await this.connect();
    const write = this.driver.write as NonNullable<UntypedDriver['write']>;
    const result = await write.call(this.driver, this.session, this.command(value), new AbortController().signal);
    if (result.sessionEnded) await this.close();
    return result;
  }
}
