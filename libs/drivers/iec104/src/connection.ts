import { durationSchema } from '@busbar/driver-sdk';
import { isTimeZone } from '@busbar/protocol-iec104';
import { z } from 'zod';

/** What a change of a field costs: `live` nothing, `reconnect` a new session. */
const reconnect = { effect: 'reconnect' } as const;
const live = { effect: 'live' } as const;
const seconds = { minMs: 20, maxMs: 255_000 };
const port = z.number().int().min(1).max(65_535);
const frames = z.number().int().min(1).max(32_767);

const pem = (title: string, description: string, example: string) =>
  z
    .string()
    .regex(/^secret:\S+$/, 'expected secret:<path>')
    .optional()
    .meta({ title, description, secret: true, examples: [example], advanced: true, ...reconnect });

export const connectionSchema = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .meta({
        title: 'Host',
        description: 'Name or IP address of the station.',
        examples: ['10.20.1.10'],
        ...reconnect,
      }),
    port: port
      .default(2404)
      .meta({ title: 'Port', description: 'TCP port, 1 to 65535; commonly 2404, with TLS 19998.', ...reconnect }),
    secondHost: z
      .string()
      .min(1)
      .optional()
      .meta({
        title: 'Second host',
        description: 'Other address of the same station: both are connected, one is started; it takes over at once.',
        advanced: true,
        ...reconnect,
      }),
    secondPort: port.optional().meta({
      title: 'Second port',
      description: 'TCP port of the second address; as the first unless given.',
      advanced: true,
      ...reconnect,
    }),
    timeout: durationSchema({ minMs: 20, maxMs: 15_000 })
      .prefault('10s')
      .meta({
        title: 'Time-out',
        description: 'Longest wait for a confirmation, a termination, or the next part of an interrogation, like 10s.',
        ...reconnect,
      }),
    originator: z
      .number()
      .int()
      .min(0)
      .max(255)
      .default(0)
      .meta({
        title: 'Originator',
        description: 'Originator address of what is sent, 0 to 255; 0 where stations do not tell masters apart.',
        advanced: true,
        ...reconnect,
      }),
    causeOctets: z
      .union([z.literal(1), z.literal(2)])
      .default(2)
      .meta({
        title: 'Octets of the cause',
        description: '2 with originator, 1 without.',
        advanced: true,
        ...reconnect,
      }),
    caOctets: z
      .union([z.literal(1), z.literal(2)])
      .default(2)
      .meta({ title: 'Octets of the common address', description: '1 or 2.', advanced: true, ...reconnect }),
    ioaOctets: z
      .union([z.literal(1), z.literal(2), z.literal(3)])
      .default(3)
      .meta({ title: 'Octets of the object address', description: '1, 2 or 3.', advanced: true, ...reconnect }),
    reservedBits: z
      .enum(['refuse', 'ignore'])
      .default('refuse')
      .meta({
        title: 'Reserved bits',
        description: 'ignore: for stations that set bits which must be 0; else such messages are left out and counted.',
        advanced: true,
        ...reconnect,
      }),
    k: frames
      .default(12)
      .meta({ title: 'k', description: 'Frames sent without an acknowledgement.', advanced: true, ...reconnect }),
    w: frames.default(8).meta({
      title: 'w',
      description: 'Received frames after which they are acknowledged; at most two thirds of the k of the station.',
      advanced: true,
      ...reconnect,
    }),
    t0: durationSchema({ minMs: 20, maxMs: 40_000 })
      .prefault('30s')
      .meta({ title: 't0', description: 'Longest wait for a connection.', advanced: true, ...reconnect }),
    t1: durationSchema(seconds)
      .prefault('15s')
      .meta({
        title: 't1',
        description: 'A frame or test without an acknowledgement for so long closes the link.',
        advanced: true,
        ...reconnect,
      }),
    t2: durationSchema(seconds)
      .prefault('10s')
      .meta({
        title: 't2',
        description: 'Received frames are acknowledged after so long at the latest; less than t1.',
        advanced: true,
        ...reconnect,
      }),
    t3: durationSchema({ minMs: 20, maxMs: 172_800_000 })
      .prefault('20s')
      .meta({ title: 't3', description: 'A link silent for so long is tested.', advanced: true, ...reconnect }),
    tlsCa: pem(
      'Certificate authority',
      'Whose certificate the station must show, PEM; with it the link takes TLS alone.',
      'secret:station/ca.crt',
    ),
    tlsCertificate: pem('Certificate', 'Our certificate with its chain, PEM.', 'secret:station/tls.crt'),
    tlsKey: pem('Key', 'Private key of our certificate, PEM.', 'secret:station/tls.key'),
    tlsRevoked: pem('Revoked certificates', 'Revocation list of that authority, PEM.', 'secret:station/ca.crl'),
    tlsSubject: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .meta({
        title: 'Subject',
        description: 'Name that the certificate of the station must bear; the host unless given.',
        advanced: true,
        ...reconnect,
      }),
  })
  .refine(({ t1, t2 }) => t2 < t1, { path: ['t2'], message: 'expected less than t1' })
  .refine(({ secondHost, secondPort }) => secondPort === undefined || secondHost !== undefined, {
    path: ['secondHost'],
    message: 'expected with secondPort',
  })
  .refine(({ tlsCertificate, tlsKey }) => (tlsCertificate === undefined) === (tlsKey === undefined), {
    path: ['tlsKey'],
    message: 'expected tlsCertificate and tlsKey together',
  })
  .refine(
    ({ tlsCa, tlsKey, tlsRevoked, tlsSubject }) =>
      tlsCa !== undefined || (tlsKey === undefined && tlsRevoked === undefined && tlsSubject === undefined),
    { path: ['tlsCa'], message: 'expected with the other settings of TLS' },
  )
  .refine(({ causeOctets, originator }) => causeOctets === 2 || originator === 0, {
    path: ['originator'],
    message: 'expected 0 with one octet of the cause',
  });
export type Iec104Connection = z.output<typeof connectionSchema>;

const every = durationSchema({ minMs: 0, maxMs: 604_800_000 });

export const deviceSchema = z.strictObject({
  ca: z
    .number()
    .int()
    .min(1)
    .max(65_534)
    .default(1)
    .meta({
      title: 'Common address',
      description: 'Common address of the station, 1 to 65534.',
      ...live,
    }),
  timezone: z
    .string()
    .refine(isTimeZone, 'expected UTC or an IANA name such as Asia/Shanghai')
    .default('UTC')
    .meta({
      title: 'Time zone',
      description: 'Zone of the time tags, which carry none: UTC or an IANA name. Both sides must use the same.',
      ...live,
    }),
  interrogation: every.prefault('15m').meta({
    title: 'Interrogation',
    description: 'Period of the station interrogation beside what the station sends by itself; 0s: only at the start.',
    ...live,
  }),
  counters: every.prefault('15m').meta({
    title: 'Counters',
    description: 'Period of the counter interrogation, where there are totals; 0s: only at the start.',
    ...live,
  }),
  clockSync: every.prefault('0s').meta({
    title: 'Clock synchronization',
    description: 'The clock of the station is set at the start and so often; 0s: never. Not on a read-only connection.',
    advanced: true,
    ...live,
  }),
  test: every.prefault('0s').meta({
    title: 'Test command',
    description: 'The station must answer a test command so often; 0s: never.',
    advanced: true,
    ...live,
  }),
});
export type Iec104Device = z.output<typeof deviceSchema>;

export const quirksSchema = z.strictObject({
  termination: z
    .boolean()
    .default(true)
    .meta({
      title: 'Termination',
      description: 'A command is done when its termination comes; false: when it is confirmed.',
      ...live,
    }),
  commandTime: z
    .boolean()
    .default(false)
    .meta({
      title: 'Commands with time',
      description: 'Commands carry a time tag (types 58 to 64).',
      ...live,
    }),
});
export type Iec104Quirks = z.output<typeof quirksSchema>;
