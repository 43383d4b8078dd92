import { modbusPlanFields } from '@busbar/address-plan';
import { durationField } from '@busbar/server-sdk';
import { z } from 'zod';

export const modbusConfigSchema = z.strictObject({
  address: z
    .string()
    .min(1)
    .max(253)
    .default('0.0.0.0')
    .meta({ title: 'Address', description: 'Address of this machine to listen on; 0.0.0.0 for all of them.' }),
  port: z.number().int().min(0).max(65_535).default(502).meta({
    title: 'Port',
    description: 'TCP port to listen on; below 1024 it needs rights that Busbar mostly has not. 0 takes a free one.',
    example: 1502,
  }),
  ...modbusPlanFields,
  lost: z.enum(['fill', 'last', 'exception']).default('fill').meta({
    title: 'Lost devices',
    description:
      'What the registers of a device without communication show: a number that means none, the last value, or exception 11 where all of a request is lost.',
  }),
  maxClients: z
    .number()
    .int()
    .min(1)
    .max(256)
    .default(16)
    .meta({ title: 'Clients', description: 'Most clients at one time, 1 to 256.', advanced: true }),
  answerWithin: durationField({ minMs: 100, maxMs: 60_000 }).default(900).meta({
    title: 'Answer within',
    description: 'Longest wait for the end of a write; then it is answered with exception 5, and goes on.',
    example: '900ms',
    advanced: true,
  }),
  assemble: durationField({ minMs: 10, maxMs: 5_000 }).optional().meta({
    title: 'Join single writes',
    description:
      'Longest pause between single register writes (function 6) that make one value of several registers; without it they are refused.',
    example: '200ms',
    advanced: true,
  }),
  rangeException: z
    .union([z.literal(3), z.literal(4)])
    .default(3)
    .meta({
      title: 'Exception for a range',
      description: 'Answer to a value out of range: 3 (illegal data value) or 4 (device failure).',
      advanced: true,
    }),
});
export type ModbusServerConfig = z.infer<typeof modbusConfigSchema>;
