import {
  type AddressFormat,
  type DriverContext,
  type DriverFault,
  DriverFaultError,
  defineDriver,
  type PlannedRequest,
  type ReadOutcome,
  type SampleWriter,
  type WriteCommand,
  type WriteResult,
} from '@busbar/driver-sdk';
import { GOOD } from '@busbar/model';
import { z } from 'zod';

export interface MemoryRequest extends PlannedRequest {
  readonly unit: number;
  readonly addresses: readonly number[];
}

export interface MemorySession {
  readonly number: number;
  isClosed: boolean;
}

export type MemoryWrite = WriteCommand<{ unit: number }, number>;

const memoryAddress: AddressFormat<number> = {
  examples: ['m:1'],
  parse(text, base) {
    const match = /^m:(\d+)$/.exec(text);
    if (match) return Number(match[1]) - base;
    return { problem: { code: 'TAG_ADDRESS', reason: `${text} is no address`, fix: 'Write m: and a number.' } };
  },
  format: (address) => `m:${address}`,
  check: () => null,
};

/**
 * A driver without a device, steered by the test: addresses are `m:<number>`, a tag's value is its address until told
 * otherwise. Every hook may throw a DriverFaultError or never resolve.
 */
export class MemoryDevice {
  readonly reads: MemoryRequest[] = [];
  readonly writes: MemoryWrite[] = [];
  readonly sessions: MemorySession[] = [];
  /** Most addresses in one request. */
  blockSize = 100;
  context: DriverContext<{ host: string }> | null = null;

  connecting: () => Promise<void> | void = () => {};
  /** Undefined: answered with the values. */
  reading: (request: MemoryRequest) => Promise<ReadOutcome | undefined> | ReadOutcome | undefined = () => undefined;
  writing: (command: MemoryWrite) => Promise<WriteResult> | WriteResult = () => ({ outcome: 'done' });
  value: (address: number, request: MemoryRequest) => number | string | bigint | number[] = (address) => address;

  get openSessions(): number {
    return this.sessions.filter((session) => !session.isClosed).length;
  }

  readonly driver = defineDriver({
    id: 'memory',
    version: '1.0.0',
    title: 'Memory',
    summary: 'A driver without a device, for tests.',
    stability: 'experimental',
    connection: z.strictObject({
      host: z.string().default('memory').meta({ title: 'Host', description: 'Any text.' }),
    }),
    device: z.strictObject({ unit: z.number().int().default(1).meta({ title: 'Unit', description: 'Any integer.' }) }),
    quirks: z.strictObject({}),
    address: memoryAddress,
    connect: async (context): Promise<MemorySession> => {
      this.context = context;
      await this.connecting();
      const session = { number: this.sessions.length + 1, isClosed: false };
      this.sessions.push(session);
      return session;
    },
    close: async (session) => {
      session.isClosed = true;
    },
    poll: {
      plan: ({ device, tags }): MemoryRequest[] => {
        const sorted = [...tags].sort((a, b) => a.address - b.address || a.index - b.index);
        const requests: MemoryRequest[] = [];
        for (let i = 0; i < sorted.length; i += this.blockSize) {
          const block = sorted.slice(i, i + this.blockSize);
          requests.push({
            unit: device.unit,
            addresses: block.map((tag) => tag.address),
            tags: block.map((tag) => tag.index),
            text: `read m:${block[0]?.address} and ${block.length - 1} more`,
          });
        }
        return requests;
      },
      read: (session, request, out) => this.#read(session, request, out),
    },
    write: async (_session, command): Promise<WriteResult> => {
      this.writes.push(command);
      return this.writing(command);
    },
  });

  async #read(session: MemorySession, request: MemoryRequest, out: SampleWriter): Promise<ReadOutcome> {
    if (session.isClosed) throw faultOf({ kind: 'connection-lost', reason: 'closed' });
    this.reads.push(request);
    const outcome = await this.reading(request);
    if (outcome) return outcome;
    request.addresses.forEach((address, i) => {
      const tag = request.tags[i] as number;
      const value = this.value(address, request);
      if (typeof value === 'number') out.put(tag, value, GOOD, Number.NaN);
      else if (typeof value === 'string') out.putText(tag, value, GOOD, Number.NaN);
      else if (typeof value === 'bigint') out.putInt64(tag, value, GOOD, Number.NaN);
      else out.putArray(tag, value, GOOD, Number.NaN);
    });
    return { kind: 'answered' };
  }
}

export function faultOf(fault: DriverFault): DriverFaultError {
  return new DriverFaultError(fault);
}
