import type { ErrorEntry } from '../catalog.js';

export const SERVICE_ERRORS = {
  SETTING_INVALID: {
    sentence: 'Setting {name} is {value}: {reason}.',
    fix: 'Correct it; `--help` lists every setting with its default.',
    retry: 'fix',
  },
  PORT_IN_USE: {
    sentence: 'Address {address} is in use already.',
    fix: 'Stop the other program, or give another address by {setting}.',
    retry: 'fix',
  },
  DATA_NOT_WRITABLE: {
    sentence: 'The folder {path} cannot be written: {reason}.',
    fix: 'Give this user write access, or name another folder by BUSBAR_DATA.',
    retry: 'fix',
  },
  UNAUTHORIZED: {
    sentence: 'This needs a key or a session.',
    fix: 'Open the link that the start printed, or send `Authorization: Bearer <admin key>`.',
    retry: 'fix',
  },
  SETUP_CODE_INVALID: {
    sentence: 'The set-up link is used up or older than 15 minutes.',
    fix: 'Start Busbar again for a new one, or sign in with the admin key.',
    retry: 'fix',
  },
  NOT_FOUND: {
    sentence: 'There is no {kind} {id}.',
    fix: 'Check the id.',
    retry: 'fix',
  },
  REQUEST_INVALID: {
    sentence: 'The request is not understood: {reason}.',
    fix: 'Compare it with the API reference.',
    retry: 'fix',
  },
  INTERNAL: {
    sentence: 'Busbar failed while doing this: {reason}.',
    fix: 'Try again; if it repeats, report it with the log.',
    retry: 'defect',
  },
  ORIGIN_REFUSED: {
    sentence: 'A page of {origin} may not ask this server.',
    fix: 'Open the console under the address of this server.',
    retry: 'fix',
  },
  LIVE_LIMIT: {
    sentence: 'A live socket shows at most {limit} subscriptions.',
    fix: 'Close one, or open another socket.',
    retry: 'fix',
  },
} as const satisfies Record<string, ErrorEntry>;
