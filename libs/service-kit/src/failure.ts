import { BusbarError, isBusbarError } from '@busbar/errors';
import { formatHostPort, type HostPort } from './settings.js';

/** EADDRINUSE and its kin as the error that names the setting; anything else as it is. */
export function listenFailure(error: unknown, address: HostPort, setting: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') {
    return new BusbarError('PORT_IN_USE', { address: formatHostPort(address), setting }, { cause: error });
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    const reason = code === 'EACCES' ? 'this user may not listen there' : 'this machine has no such address';
    return new BusbarError(
      'SETTING_INVALID',
      { name: setting, value: formatHostPort(address), reason },
      { cause: error },
    );
  }
  return error;
}

/** What the person who started the program reads: one sentence for an error of the catalog, else with its stack. */
export function failureText(error: unknown): string {
  if (isBusbarError(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
