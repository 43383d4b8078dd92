export * from './driver-host.js';
export type { Frame } from './frame-ring.js';
export * from './ports.js';
export type { Reading } from './request-queue.js';
export type { NotSentReason, WriteReport, WriteTarget } from './write-queue.js';
