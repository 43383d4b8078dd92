import { z } from 'zod';

/** What a figure is counted in; `isUp`: 1 or 0; `share`: 0 to 1. */
export const FIGURE_UNITS = ['count', 'perSecond', 'seconds', 'share', 'bytes', 'cores', 'isUp'] as const;
export type FigureUnit = (typeof FIGURE_UNITS)[number];

export const figureCellSchema = z.object({
  /** null: nothing is known of it. */
  value: z.number().nullable(),
  unit: z.enum(FIGURE_UNITS),
  /** As the alert rule about it would say, without its waiting time. */
  state: z.enum(['normal', 'warning', 'critical']),
  /** One value per step, the newest last; null: none is given. A gap is null. */
  trend: z.array(z.number().nullable()).nullable(),
});
export type FigureCell = z.infer<typeof figureCellSchema>;

export const figureRowSchema = z.object({
  /** Name of the thing, or of the figure in the overview. */
  id: z.string(),
  /** Protocol, service. */
  note: z.string().nullable(),
  /** In the order of the columns. */
  cells: z.array(figureCellSchema),
});
export type FigureRow = z.infer<typeof figureRowSchema>;

export const figureTableSchema = z.object({
  id: z.string(),
  columns: z.array(z.string()),
  /** Those with an alert first. */
  rows: z.array(figureRowSchema),
  /** Rows that are left out because there are too many. */
  left: z.number(),
});
export type FigureTable = z.infer<typeof figureTableSchema>;

/** GET /figures: the last 15 minutes of every process, ready to be drawn. */
export const figuresViewSchema = z.object({
  /** Epoch ms of the newest step of the trends. */
  at: z.number(),
  stepMs: z.number(),
  groups: z.array(z.object({ id: z.string(), tables: z.array(figureTableSchema) })),
});
export type FiguresView = z.infer<typeof figuresViewSchema>;
