import type { ErrorEntry } from '../catalog.js';

export const CONNECTION_ERRORS = {
  CONNECTION_REFUSED: {
    sentence: '{target} refuses the connection.',
    fix: 'Check address and port, and that the device or server program runs.',
    retry: 'retry',
  },
  CONNECTION_TIMEOUT: {
    sentence: '{target} did not answer within {timeoutMs} ms.',
    fix: 'Check power, cable and routing, then address and port.',
    retry: 'retry',
  },
  CONNECTION_LOST: {
    sentence: 'The link to {target} was lost: {reason}.',
    fix: 'It is opened again by itself; if this repeats, check the cable and the device.',
    retry: 'retry',
  },
  CONNECTION_DENIED: {
    sentence: '{target} does not let us in.',
    fix: 'Check user, password, key or certificate of the connection.',
    retry: 'fix',
  },
  CONNECTION_CONFIG: {
    sentence: 'The driver refuses {field}: {reason}.',
    fix: 'Correct that field of the connection.',
    retry: 'fix',
  },
  DEVICE_SILENT: {
    sentence: 'Device {device} does not answer; {others} others on the link do.',
    fix: 'Check its power, then its unit id, then the wiring.',
    retry: 'retry',
  },
  DEVICE_EXCEPTION: {
    sentence: 'Device {device} refused {request}: {reason}.',
    fix: 'Compare the address with the manual of the device.',
    retry: 'fix',
  },
  DRIVER_DEFECT: {
    sentence: 'Driver {driver} failed in a way it should not: {reason}.',
    fix: 'The link is closed and opened again; report it with the log.',
    retry: 'defect',
  },
  SINK_REFUSED: {
    sentence: '{target} refused {count} values: {reason}.',
    fix: 'Compare product, device and model with what the target knows.',
    retry: 'fix',
  },
  SINK_NO_REPLY: {
    sentence: '{target} did not acknowledge within {timeoutMs} ms.',
    fix: 'The values are kept and sent again; check the link to the target.',
    retry: 'retry',
  },
  SINK_BUSY: {
    sentence: '{target} cannot take values now: {reason}.',
    fix: 'The values are kept and sent again; if it goes on, ask the operator of the target.',
    retry: 'retry',
  },
  SECRET_UNREADABLE: {
    sentence: 'There is no readable secret {path}.',
    fix: 'Put it into the folder of BUSBAR_SECRETS, mode 0600.',
    retry: 'fix',
  },
  FRAME_INVALID: {
    sentence: 'No {protocol} frame can carry this: {reason}.',
    fix: 'The caller must keep to the limits of the protocol; report it with the log.',
    retry: 'defect',
  },
} as const satisfies Record<string, ErrorEntry>;
