import { durationField, mqttUrlField, secretField } from '@busbar/sink-sdk';
import { z } from 'zod';

/** 1-64 letters (of any script), digits, `-` `_` `.`; `$` starts a name that is filled in. */
function keyField() {
  return z.string().regex(/^[\p{L}\p{N}\u2014_.$-]{1,64}$/u, 'expected 1 to 64 letters, digits, - _ .');
}

const productKey = () =>
  keyField().meta({ title: 'Product key', description: 'Key of the product at EnOS.', example: 'pkEdge01' });
const deviceSecret = () =>
  secretField().meta({
    title: 'Device secret',
    description: 'Secret of the device, which signs the login.',
    secret: true,
    example: 'secret:enos/edge',
  });

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  const isPlain = username === '' && password === '' && search === '' && hash === '';
  return (protocol === 'http:' || protocol === 'https:') && hostname !== '' && isPlain;
}

export const enosConfigSchema = z.strictObject({
  url: mqttUrlField().meta({
    title: 'Address',
    description: 'EnOS as mqtt://host:port; EnOS listens at 11883.',
    example: 'mqtt://127.0.0.1:11883',
  }),
  http: z
    .string()
    .refine(isHttpUrl, 'expected http://host:port or https://host:port, without user and password')
    .optional()
    .meta({
      title: 'Address for files',
      description: 'HTTP side of EnOS, by which files are sent; without it none are.',
      example: 'https://127.0.0.1:8443',
    }),
  productKey: productKey(),
  deviceKey: keyField().meta({
    title: 'Device key',
    description: 'Key of this gateway in its product; $site and $sink are filled in.',
    example: '$site',
  }),
  deviceSecret: deviceSecret(),
  keepalive: durationField({ minMs: 60_000, maxMs: 300_000 })
    .default(60_000)
    .meta({ title: 'Keep-alive', description: 'Heartbeat; EnOS allows 60s to 5m.', example: '60s', advanced: true }),
  timeout: durationField({ minMs: 100, maxMs: 600_000 }).default(30_000).meta({
    title: 'Time-out',
    description: 'Longest wait for EnOS: to connect, and for the reply to a request.',
    example: '30s',
    advanced: true,
  }),
  loginRetry: durationField({ minMs: 100, maxMs: 3_600_000 }).default(60_000).meta({
    title: 'Login again after',
    description: 'Pause until a sub-device that EnOS did not let in, or a value that it refused, is tried again.',
    example: '60s',
    advanced: true,
  }),
  itemsPerRequest: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(200)
    .meta({ title: 'Items per request', description: 'Most devices and times in one request.', advanced: true }),
});
export type EnosConfig = z.infer<typeof enosConfigSchema>;

export const enosIdentitySchema = z.strictObject({
  productKey: productKey(),
  deviceKey: keyField().meta({
    title: 'Device key',
    description: 'Key of the sub-device in its product.',
    example: '$site-$asset',
  }),
  deviceSecret: deviceSecret(),
});
