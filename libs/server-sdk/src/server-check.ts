import { type OptionsCheck, optionsCheck } from '@busbar/sink-sdk';
import type { AnyServer } from './server.js';

/** What package validation asks of a forwarding server: plain functions, no zod. */
export interface ServerCheck {
  readonly id: string;
  readonly addressing: 'iec104' | 'modbus';
  readonly config: OptionsCheck;
}

export function serverCheck(server: AnyServer): ServerCheck {
  return { id: server.id, addressing: server.addressing, config: optionsCheck(server.config) };
}
