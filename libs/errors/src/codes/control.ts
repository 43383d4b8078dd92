import type { ErrorEntry } from '../catalog.js';

export const CONTROL_ERRORS = {
  CONTROL_REQUEST_INVALID: {
    sentence: 'The control request is not understood: {reason}.',
    fix: 'Send {id, point: "asset/point", value, expiresMs}.',
    retry: 'fix',
  },
  CONTROL_NO_BUS: {
    sentence: 'The request was not taken: the bus does not accept it.',
    fix: 'Nothing was written. Ask again when the bus is back.',
    retry: 'retry',
  },
  CONTROL_UNKNOWN_REQUEST: {
    sentence: 'There is no control request {id} in the last 24 hours.',
    fix: 'Check the id.',
    retry: 'fix',
  },
} as const satisfies Record<string, ErrorEntry>;
