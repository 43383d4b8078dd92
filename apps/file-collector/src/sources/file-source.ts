/** A file as the source lists it. */
export interface RemoteFile {
  /** With its folder: what the source is asked for. */
  readonly path: string;
  readonly name: string;
  /** Octets; null: the source does not say before it delivers. */
  readonly size: number | null;
  /** Epoch ms of the last change; null: the source does not say. */
  readonly modifiedMs: number | null;
  /** Entity tag (HTTP). */
  readonly tag: string | null;
}

/** Which names of a folder are asked for. */
export interface WantedNames {
  /** Folder that the task looks into: a link that leads out of it is no file of it. */
  readonly root: string;
  fits(name: string): boolean;
  /** The only names that fit, if that is known. */
  readonly exact: readonly string[] | null;
}

/** An open link to a device that has files. One call at a time. */
export interface FileSource {
  /** For sentences, without secrets: `sftp://10.0.0.1:22`. */
  readonly target: string;
  /** False once it is of no more use: reading only a part of a file may end it. */
  readonly isOpen: boolean;
  /**
   * Files of a folder that fit, none of its folders; null: there is no such folder. Throws CONNECTION_*, FILE_FOLDER.
   */
  list(folder: string, wanted: WantedNames, signal: AbortSignal): Promise<readonly RemoteFile[] | null>;
  /** Names of the folders in a folder, links left out; null: there is no such folder. Throws CONNECTION_*, FILE_FOLDER. */
  folders(folder: string, signal: AbortSignal): Promise<readonly string[] | null>;
  /** How the file is now; null: it is gone. */
  stat(file: RemoteFile, signal: AbortSignal): Promise<RemoteFile | null>;
  /**
   * The content from an octet on. Throws FILE_DENIED, FILE_GONE, FILE_CHANGED (it is certain that it is another file
   * now), CONNECTION_*. Ends early without an error where the protocol cannot tell a cut from the end.
   */
  read(file: RemoteFile, offset: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  remove(file: RemoteFile): Promise<void>;
  /** Into a folder beside others of the same name: what is there is never overwritten. */
  move(file: RemoteFile, folder: string): Promise<void>;
  /** Safe twice and after a failure. */
  close(): Promise<void>;
}

/** Is it the same content as far as the source can tell? */
export function isSameFile(a: RemoteFile, b: RemoteFile): boolean {
  if (a.tag !== null && b.tag !== null && a.tag !== b.tag) return false;
  return a.path === b.path && a.size === b.size && a.modifiedMs === b.modifiedMs;
}

export function joinPath(folder: string, name: string): string {
  return folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`;
}

/** Is the path the folder itself, or in it? */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** Calls that ask for a name that is free; the first is the name itself. */
export function* freeNames(name: string): Generator<string> {
  yield name;
  const dot = name.lastIndexOf('.');
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  for (let n = 2; n < 1_000; n++) yield `${stem} (${n})${extension}`;
}
