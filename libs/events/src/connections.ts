import { z } from 'zod';

export const diagnosisSchema = z.strictObject({
  /** A code of the error catalog. */
  code: z.string(),
  params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});
export type DiagnosisRecord = z.infer<typeof diagnosisSchema>;

/** A diagnosis as it travels: JSON knows no undefined. */
export function diagnosisRecord({
  code,
  params,
}: {
  readonly code: string;
  readonly params: Readonly<Record<string, string | number | boolean | null | undefined>>;
}): DiagnosisRecord {
  return { code, params: Object.fromEntries(Object.entries(params).map(([name, value]) => [name, value ?? null])) };
}

export const CONNECTION_STATES = ['starting', 'active', 'idle', 'degraded', 'stopped'] as const;
export const connectionStateSchema = z.enum(CONNECTION_STATES);
export type ConnectionState = z.infer<typeof connectionStateSchema>;

export const deviceStateSchema = z.strictObject({
  id: z.string(),
  state: connectionStateSchema,
  since: z.number(),
  diagnosis: diagnosisSchema.nullable(),
  /** Epoch ms of the last valid answer; null: none yet. */
  lastAnswerAt: z.number().nullable(),
  tags: z.number().int(),
  tagsGood: z.number().int(),
  lateScans: z.number().int(),
});
export type DeviceState = z.infer<typeof deviceStateSchema>;

/** File connections: how each task is. */
export const fileTaskHealthSchema = z.strictObject({
  task: z.string(),
  state: z.enum(['waiting', 'running', 'failed']),
  diagnosis: diagnosisSchema.nullable(),
  lastRunAt: z.number().nullable(),
  /** null: only when asked. */
  nextRunAt: z.number().nullable(),
  /** Files uploaded since this owner took the connection. */
  uploaded: z.number().int(),
  /** Files here that the clouds do not have yet, and their octets. */
  waiting: z.number().int(),
  waitingBytes: z.number().int(),
  /** Octets of all files of the task kept here. */
  keptBytes: z.number().int(),
});
export type FileTaskHealth = z.infer<typeof fileTaskHealthSchema>;

/** Record of `connections.changed`, key = connection: health and ownership. */
export const connectionChangedSchema = z.strictObject({
  connection: z.string(),
  kind: z.enum(['access', 'sink', 'forwarding', 'file']),
  service: z.string(),
  /** Consumer group member id of the owner (embedded: `local`). */
  member: z.string(),
  /** Random id of this incarnation; null: signed off in order, another may take over at once. */
  epoch: z.string().nullable(),
  generation: z.number().int(),
  state: connectionStateSchema,
  since: z.number(),
  diagnosis: diagnosisSchema.nullable(),
  /** Used share of the scan period, 0..1; null where the device sends by itself. */
  scanLoad: z.number().nullable(),
  devices: z.array(deviceStateSchema),
  /** Sinks: acknowledged and refused values so far, age in ms of the oldest unsent, values waiting. */
  sink: z
    .strictObject({
      acknowledged: z.number(),
      refused: z.number(),
      lastAcknowledgedAt: z.number().nullable(),
      waiting: z.number(),
    })
    .nullable(),
  /** Forwarding servers: where they listen, what they offer, who is connected. */
  server: z
    .strictObject({
      port: z.number().int().nullable(),
      points: z.number().int(),
      digest: z.string(),
      /** Events that no master has taken yet, and those dropped since the start because none did. */
      waiting: z.number().int(),
      dropped: z.number().int(),
      clients: z.array(z.strictObject({ name: z.string(), address: z.string(), since: z.number(), state: z.string() })),
    })
    .optional(),
  files: z.array(fileTaskHealthSchema).optional(),
  at: z.number(),
});
export type ConnectionChanged = z.infer<typeof connectionChangedSchema>;

/** Record of `deadletters.recorded`, key = topic. */
export const deadLetterSchema = z.strictObject({
  topic: z.string(),
  partition: z.number().int(),
  offset: z.number(),
  group: z.string(),
  key: z.string(),
  diagnosis: diagnosisSchema,
  /** base64; absent for damaged records, or beyond 64 KiB. */
  value: z.string().optional(),
  at: z.number(),
});
export type DeadLetter = z.infer<typeof deadLetterSchema>;
