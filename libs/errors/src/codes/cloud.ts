import type { ErrorEntry } from '../catalog.js';

/** Errors of the stand-in for EnOS Cloud. */
export const CLOUD_ERRORS = {
  CLOUD_DEVICES_INVALID: {
    sentence: 'The list of devices {path} cannot be used: {reason}.',
    fix: 'Correct it, or name another file by BUSBAR_CLOUD_DEVICES; the start script writes one.',
    retry: 'fix',
  },
  CLOUD_DEVICE_OFFLINE: {
    sentence: 'Device {device} is not logged in; nothing was sent to it.',
    fix: 'Look why its gateway is away.',
    retry: 'retry',
  },
  CLOUD_NO_ANSWER: {
    sentence: 'Device {device} did not answer the command within {timeoutMs} ms.',
    fix: 'What became of the command is not known; look at the values of the device.',
    retry: 'retry',
  },
} as const satisfies Record<string, ErrorEntry>;
