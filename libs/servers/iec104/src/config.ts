import { iec104PlanFields } from '@busbar/address-plan';
import { isTimeZone } from '@busbar/protocol-iec104';
import { durationField, isTlsWhole, TLS_WHOLE, tlsFields } from '@busbar/server-sdk';
import { z } from 'zod';

const seconds = { minMs: 1_000, maxMs: 255_000 };
const frames = z.number().int().min(1).max(32_767);

export const iec104ConfigSchema = z
  .strictObject({
    address: z
      .string()
      .min(1)
      .max(253)
      .default('0.0.0.0')
      .meta({ title: 'Address', description: 'Address of this machine to listen on; 0.0.0.0 for all of them.' }),
    port: z
      .number()
      .int()
      .min(0)
      .max(65_535)
      .default(2404)
      .meta({ title: 'Port', description: 'TCP port to listen on; 0 takes a free one.', example: 2404 }),
    timezone: z.string().refine(isTimeZone, 'expected UTC or an IANA name such as Asia/Shanghai').meta({
      title: 'Time zone',
      description: 'Zone of the time tags, which carry none: UTC or an IANA name. Both sides must use the same.',
      example: 'UTC',
    }),
    ...iec104PlanFields,
    causeOctets: z
      .union([z.literal(1), z.literal(2)])
      .default(2)
      .meta({ title: 'Octets of the cause', description: '2 with originator, 1 without.', advanced: true }),
    caOctets: z
      .union([z.literal(1), z.literal(2)])
      .default(2)
      .meta({ title: 'Octets of the common address', description: '1 or 2.', advanced: true }),
    k: frames.default(12).meta({
      title: 'k',
      description: 'Frames sent without an acknowledgement; raise it for slow lines.',
      advanced: true,
    }),
    w: frames
      .default(8)
      .meta({ title: 'w', description: 'Received frames after which they are acknowledged.', advanced: true }),
    t1: durationField(seconds).default(15_000).meta({
      title: 't1',
      description: 'A frame or test without an acknowledgement for so long closes the link.',
      example: '15s',
      advanced: true,
    }),
    t2: durationField(seconds).default(10_000).meta({
      title: 't2',
      description: 'Received frames are acknowledged after so long at the latest; less than t1.',
      example: '10s',
      advanced: true,
    }),
    t3: durationField({ minMs: 1_000, maxMs: 172_800_000 }).default(20_000).meta({
      title: 't3',
      description: 'A link silent for so long is tested.',
      example: '20s',
      advanced: true,
    }),
    lost: z
      .enum(['NT', 'IV', 'both'])
      .default('both')
      .meta({ title: 'Lost devices', description: 'Quality bits of a device without communication.', advanced: true }),
    sequences: z
      .boolean()
      .default(true)
      .meta({ title: 'Sequences', description: 'Interrogations use SQ = 1; false for old masters.', advanced: true }),
    clock: z.enum(['acknowledge', 'refuse']).default('acknowledge').meta({
      title: 'Clock synchronization',
      description: 'Confirmed with our own time, or refused. A master never sets our clock.',
      advanced: true,
    }),
    secondStart: z.enum(['stop-old', 'close-old', 'refuse']).default('stop-old').meta({
      title: 'Second master of a group',
      description: 'What its STARTDT does to the one that is active.',
      advanced: true,
    }),
    commandTerm: z
      .boolean()
      .default(true)
      .meta({ title: 'Termination', description: 'Send actterm after a command.', advanced: true }),
    markSubstituted: z.boolean().default(true).meta({
      title: 'Mark substituted times',
      description: 'Times that Busbar gave, since the device gives none, carry the bit "substituted".',
      advanced: true,
    }),
    cyclicEvery: durationField({ minMs: 1_000, maxMs: 86_400_000 }).default(60_000).meta({
      title: 'Cyclic period',
      description: 'Rows marked cyclic are sent so often.',
      example: '60s',
      advanced: true,
    }),
    backgroundEvery: durationField({ minMs: 10_000, maxMs: 86_400_000 }).default(600_000).meta({
      title: 'Background period',
      description: 'Rows marked background are sent so often, when nothing else is to be sent.',
      example: '10m',
      advanced: true,
    }),
    maxClients: z
      .number()
      .int()
      .min(1)
      .max(64)
      .default(16)
      .meta({ title: 'Connections', description: 'Most connections at one time, 1 to 64.', advanced: true }),
    ...tlsFields,
  })
  .refine(({ t1, t2 }) => t2 < t1, { path: ['t2'], message: 'expected less than t1' })
  .refine(isTlsWhole, TLS_WHOLE);
export type Iec104Config = z.output<typeof iec104ConfigSchema>;
