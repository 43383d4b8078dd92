import { durationField, mqttUrlField, placeholdersOf, secretField } from '@busbar/sink-sdk';
import { z } from 'zod';

const NAMES = ['site', 'sink', 'asset', 'model'];

function topicProblem(topic: string): string | undefined {
  if (/[+#\0]/.test(topic)) return 'a topic to publish on holds no + and no #';
  const strange = placeholdersOf(topic).find((name) => !NAMES.includes(name));
  return strange === undefined
    ? undefined
    : `$${strange} is not known; expected ${NAMES.map((n) => `$${n}`).join(' ')}`;
}

export const mqttConfigSchema = z.strictObject({
  url: mqttUrlField().meta({
    title: 'Address',
    description: 'Broker as mqtt://host:port; without a port 1883.',
    example: 'mqtt://127.0.0.1:1883',
  }),
  topic: z
    .string()
    .min(1)
    .max(1024)
    .superRefine((topic, context) => {
      const message = topicProblem(topic);
      if (message) context.addIssue({ code: 'custom', message });
    })
    .default('plants/$site/$asset')
    .meta({ title: 'Topic', description: 'Topic of each message; $site $sink $asset $model are filled in.' }),
  qos: z
    .union([z.literal(0), z.literal(1), z.literal(2)])
    .default(1)
    .meta({ title: 'QoS', description: '0 at most once, 1 at least once, 2 exactly once.' }),
  user: z.string().min(1).optional().meta({ title: 'User', description: 'User name.', example: 'edge' }),
  password: secretField()
    .optional()
    .meta({ title: 'Password', description: 'Password of the user.', secret: true, example: 'secret:mqtt/password' }),
  clientId: z
    .string()
    .min(1)
    .max(64)
    .default('busbar-$site-$sink')
    .meta({ title: 'Client id', description: 'Name at the broker, unique there; $site and $sink are filled in.' }),
  keepalive: durationField({ minMs: 5_000, maxMs: 3_600_000 }).default(60_000).meta({
    title: 'Keep-alive',
    description: 'Longest silence on the link, 5s to 1h.',
    example: '60s',
    advanced: true,
  }),
  timeout: durationField({ minMs: 1_000, maxMs: 600_000 }).default(30_000).meta({
    title: 'Time-out',
    description: 'Longest wait for the broker: to connect, and to acknowledge a message.',
    example: '30s',
    advanced: true,
  }),
});
export type MqttConfig = z.infer<typeof mqttConfigSchema>;

/** An asset needs no name of its own here: its topic says who it is. */
export const mqttIdentitySchema = z.strictObject({});
