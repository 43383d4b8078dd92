import { durationSchema } from '@busbar/driver-sdk';
import { z } from 'zod';
import { parseAddress } from './address.js';

/** What a change of a field costs: `live` nothing, `reconnect` a new session. */
const reconnect = { effect: 'reconnect' } as const;
const live = { effect: 'live' } as const;

export const connectionSchema = z.strictObject({
  host: z
    .string()
    .min(1)
    .meta({
      title: 'Host',
      description: 'Name or IP address of the device or gateway.',
      examples: ['10.20.1.10'],
      ...reconnect,
    }),
  port: z
    .number()
    .int()
    .min(1)
    .max(65535)
    .default(502)
    .meta({
      title: 'Port',
      description: 'TCP port, 1 to 65535; 502 unless the device says otherwise.',
      ...reconnect,
    }),
  timeout: durationSchema({ minMs: 20, maxMs: 60_000 })
    .prefault('1s')
    .meta({
      title: 'Time-out',
      description: 'Longest wait for a connection or an answer, 20ms to 60s, like 500ms or 1s.',
      ...reconnect,
    }),
  framing: z
    .enum(['tcp', 'rtu'])
    .default('tcp')
    .meta({
      title: 'Framing',
      description: 'tcp: Modbus TCP. rtu: serial frames through a transparent gateway, with CRC.',
      ...reconnect,
    }),
  quiet: durationSchema({ minMs: 0, maxMs: 120_000 })
    .optional()
    .meta({
      title: 'Quiet time',
      description:
        'With framing rtu: input is discarded for so long after connecting, so that no late answer meets a new request. Twice the time-out unless given.',
      advanced: true,
      ...reconnect,
    }),
});
export type ModbusConnection = z.infer<typeof connectionSchema>;

export const deviceSchema = z.strictObject({
  unitId: z
    .number()
    .int()
    .min(0)
    .max(255)
    .default(1)
    .meta({
      title: 'Unit id',
      description: 'Address of the device on the line or behind the gateway, 0 to 255.',
      ...live,
    }),
});
export type ModbusDevice = z.infer<typeof deviceSchema>;

/** `holding:32120-32130` or one address; counted from 0. */
export interface ForbiddenRange {
  readonly table: string;
  readonly from: number;
  readonly to: number;
}

export function parseForbidden(text: string): ForbiddenRange | null {
  const match = /^([a-z]+:\d+)(?:-(\d+))?$/.exec(text.trim());
  const address = match ? parseAddress(match[1] as string, 0) : null;
  if (!match || !address || 'problem' in address) return null;
  const to = match[2] === undefined ? address.offset : Number(match[2]);
  return to >= address.offset && to <= 65535 ? { table: address.table, from: address.offset, to } : null;
}

export const quirksSchema = z.strictObject({
  maxBlock: z
    .number()
    .int()
    .min(1)
    .max(125)
    .default(125)
    .meta({
      title: 'Largest block',
      description: 'Most registers in one request, 1 to 125; of coils and discrete inputs 16 times as many.',
      ...live,
    }),
  maxGap: z
    .number()
    .int()
    .min(0)
    .max(124)
    .default(8)
    .meta({
      title: 'Largest gap',
      description:
        'Registers without a tag that may be read along to save a request, 0 to 124; of bits 16 times as many.',
      ...live,
    }),
  pauseBetween: durationSchema({ minMs: 0, maxMs: 10_000 })
    .prefault('0ms')
    .meta({
      title: 'Pause between requests',
      description: 'Shortest silence after an answer before the next request, 0ms to 10s.',
      ...live,
    }),
  forbid: z
    .array(z.string().refine((text) => parseForbidden(text) !== null, 'no range like holding:32120-32130'))
    .default([])
    .meta({
      title: 'Forbidden addresses',
      description: 'Ranges that are never read, not even inside a gap, counted from 0.',
      examples: [['holding:32120-32130']],
      ...live,
    }),
});
export type ModbusQuirks = z.infer<typeof quirksSchema>;
