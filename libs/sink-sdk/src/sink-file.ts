import type { PointConfig } from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { SinkAsset } from './sink.js';

/** A file that becomes the value of a point of type `file`. */
export interface OutgoingFile {
  readonly asset: SinkAsset;
  readonly point: PointConfig;
  /** As the source calls it, without its folder. */
  readonly name: string;
  /** Octets. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly md5: string;
  /** Time of the value, epoch ms: the same each time the file is sent again, another for each file of the point. */
  readonly timeMs: number;
  /** The content from its begin, `size` octets; may be asked for again. */
  read(): AsyncIterable<Uint8Array>;
}

export interface FileContext<Config> {
  readonly sink: string;
  readonly site: string;
  readonly config: Config;
  readonly clock: Clock;
  /** The value behind `secret:<path>`. */
  secret(reference: string): Promise<string>;
  /** Octets of the content that the target took so far; may be called for each chunk. */
  progress(bytes: number): void;
}

export interface FileReceipt {
  /** Where the target keeps it, if it says so. */
  readonly uri: string | null;
}
