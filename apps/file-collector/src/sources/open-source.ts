import type { FileSourceConfig } from '@busbar/events';
import type { FileSource } from './file-source.js';
import { FtpSource } from './ftp-source.js';
import { HttpSource } from './http-source.js';
import { SftpSource } from './sftp-source.js';

/** Opens a link of the configured protocol. Throws CONNECTION_*, FILE_HOST_KEY, SECRET_UNREADABLE. */
export function openSource(
  config: FileSourceConfig,
  secret: (reference: string) => Promise<string>,
  signal: AbortSignal,
): Promise<FileSource> {
  switch (config.protocol) {
    case 'sftp':
      return SftpSource.open(config, secret, signal);
    case 'ftp':
      return FtpSource.open(config, secret, signal);
    case 'http':
      return HttpSource.open(config, secret);
  }
}
