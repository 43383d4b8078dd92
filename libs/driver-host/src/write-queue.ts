import type { WriteCommand, WriteResult } from '@busbar/driver-sdk';
import type { ControlValue } from '@busbar/events';
import { canWrite } from '@busbar/model';
import { toRaw } from './conversion.js';
import type { DeviceRunner } from './device-runner.js';

export interface WriteTarget {
  readonly connection: string;
  readonly device: string;
  /** Number of the tag in the device's table. */
  readonly tag: number;
  /** In tag units. */
  readonly value: ControlValue;
}

/**
 * Why nothing was sent: `GATE` the caller's own check said no at the last moment, the others as in control records;
 * `NOT_SENT` the device or tag is not there or not writable.
 */
export type NotSentReason =
  | 'OUT_OF_RANGE'
  | 'READ_ONLY'
  | 'NOT_CONNECTED'
  | 'GATE'
  | 'STOPPING'
  | 'DRIVER'
  | 'NOT_SENT';

/** Every write has exactly one of these. `unknown`: octets may have left, and nobody repeats them. */
export type WriteReport =
  | { readonly outcome: 'done' | 'refused'; readonly answer?: string }
  | { readonly outcome: 'not-sent'; readonly reason: NotSentReason; readonly answer?: string }
  | { readonly outcome: 'unknown'; readonly reason: 'LINK_LOST' | 'NO_ANSWER'; readonly answer?: string };

export function notSent(reason: NotSentReason, answer?: string): WriteReport {
  return answer === undefined ? { outcome: 'not-sent', reason } : { outcome: 'not-sent', reason, answer };
}

export interface PendingWrite {
  readonly device: DeviceRunner;
  readonly command: WriteCommand<unknown, unknown>;
  /** The caller's check of right and deadline, made in the turn of the socket write. */
  readonly gate: () => boolean;
  settle(report: WriteReport): void;
}

/** The command for the driver: looked up, converted backwards, in range; or why nothing can be sent. */
export function toCommand(
  device: DeviceRunner,
  target: WriteTarget,
): WriteCommand<unknown, unknown> | { readonly refused: WriteReport } {
  const config = device.table.byNumber.get(target.tag);
  const address = device.table.single(target.tag)?.tags[0]?.address;
  if (config === undefined || address === undefined) {
    return { refused: notSent('NOT_SENT', `device ${target.device} has no tag ${target.tag}`) };
  }
  if (!canWrite(config.access)) return { refused: notSent('NOT_SENT', `tag ${config.id} is not writable`) };
  const exponent = config.scaleBy === undefined ? 0 : (device.exponents.get(config.scaleBy) ?? Number.NaN);
  const raw = toRaw(config, target.value, exponent);
  if ('refused' in raw) return { refused: notSent('OUT_OF_RANGE', raw.refused) };
  const { type, count, length, order, writeMode } = config;
  const { options, quirks } = device;
  return { device: options, quirks, address, type, count, length, order, writeMode, value: raw.raw };
}

export function toReport(result: WriteResult): WriteReport {
  const answer = result.answer === undefined ? {} : { answer: result.answer };
  if (result.outcome === 'unknown') return { outcome: 'unknown', reason: result.reason ?? 'NO_ANSWER', ...answer };
  if (result.outcome === 'not-sent') return { outcome: 'not-sent', reason: 'DRIVER', ...answer };
  return { outcome: result.outcome, ...answer };
}
