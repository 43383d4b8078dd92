/** Paths of PEM files; `both` holds key and certificate, as Kafka wants it. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
  readonly both: string;
}

export interface Authority {
  readonly ca: string;
  issue(subject: string, hosts?: readonly string[]): Issued;
}

/** An authority of the test's own, in that folder. */
export function makeAuthority(folder: string, name?: string): Authority;
