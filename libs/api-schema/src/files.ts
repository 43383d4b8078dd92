import {
  diagnosisSchema,
  FILE_STATES,
  fileCollectedSchema,
  fileTaskHealthSchema,
  fileTaskSchema,
  fileUploadedSchema,
} from '@busbar/events';
import { z } from 'zod';

export const fileTaskViewSchema = fileTaskSchema
  .pick({
    title: true,
    path: true,
    match: true,
    everyMs: true,
    cron: true,
    window: true,
    startOn: true,
    after: true,
    to: true,
  })
  .extend({
    task: z.string(),
    connection: z.string(),
    connectionTitle: z.string(),
    protocol: z.string(),
    timezone: z.string(),
    /** Octets that its files here may use. */
    keepBytes: z.number(),
    /** null: nobody has its connection yet. */
    health: fileTaskHealthSchema.nullable(),
  });
export type FileTaskView = z.infer<typeof fileTaskViewSchema>;

/** GET /files/tasks */
export const fileTasksViewSchema = z.object({ tasks: z.array(fileTaskViewSchema) });
export type FileTasksView = z.infer<typeof fileTasksViewSchema>;

/** How far a file is. */
export const fileViewSchema = z.object({
  /** Path at the source. */
  file: z.string(),
  state: z.enum(FILE_STATES),
  /** Octets; null: the source does not say before it delivers. */
  size: fileCollectedSchema.shape.size,
  /** Octets collected, or uploaded, so far. */
  bytes: z.number(),
  sha256: z.string().nullable(),
  /** Sink that it goes to, while `uploading`. */
  sink: z.string().nullable(),
  /** Of the copies in the clouds; none before `uploaded`. */
  sinks: fileUploadedSchema.shape.sinks,
  /** What became of it at the source; null before `uploaded`. */
  after: fileUploadedSchema.shape.after.nullable(),
  diagnosis: diagnosisSchema.nullable(),
  at: z.number(),
});
export type FileView = z.infer<typeof fileViewSchema>;

/** GET /files/tasks/:task: the task, and its newest files first. */
export const fileTaskFilesViewSchema = z.object({ task: fileTaskViewSchema, files: z.array(fileViewSchema) });
export type FileTaskFilesView = z.infer<typeof fileTaskFilesViewSchema>;

/** GET /files?task=: what the clouds have. */
export const filesViewSchema = z.object({ files: z.array(fileUploadedSchema) });
/** POST /files/:task/run, /retry {file?}, /deliver {file}. */
export const fileAskedSchema = z.object({ id: z.string() });
