// GENERATED from the folders of libs/sinks; do not edit.
import type { AnySink } from '@busbar/sink-sdk';

/** Installed sinks by id; each is loaded when it is first needed. */
export const SINKS: Readonly<Record<string, () => Promise<AnySink>>> = {
  enos: async () => (await import('@busbar/sink-enos')).default as unknown as AnySink,
  mqtt: async () => (await import('@busbar/sink-mqtt')).default as unknown as AnySink,
};
