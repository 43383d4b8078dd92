import type { ErrorEntry } from '../catalog.js';

export const FORWARD_SERVER_ERRORS = {
  FORWARD_LISTEN: {
    sentence: 'The forwarding connection {connection} cannot listen on {address}: {reason}.',
    fix: 'Name an address of this machine, and a port that this user may open (above 1023 without further rights).',
    retry: 'fix',
  },
} as const satisfies Record<string, ErrorEntry>;
