import type { ErrorEntry } from '../catalog.js';

export const FORWARD_SERVER_ERRORS = {
  FORWARD_LISTEN: {
    sentence: 'The forwarding connection {connection} cannot listen on {address}: {reason}.',
    fix: 'Name an address of this machine, and a port that this user may open (above 1023 without further rights).',
    retry: 'fix',
  },
  FORWARD_TLS: {
    sentence: 'The forwarding connection {connection} cannot use its certificate: {reason}.',
    fix: 'Check the secrets of tlsCertificate, tlsKey and tlsCa: PEM files, the key that of the certificate.',
    retry: 'fix',
  },
  FORWARD_HANDSHAKE: {
    sentence: '{address} was not let in by the forwarding connection {connection}: {reason}.',
    fix: 'Give that client a valid certificate of the authority in tlsCa, with a name under tlsSubjects.',
    retry: 'fix',
  },
} as const satisfies Record<string, ErrorEntry>;
