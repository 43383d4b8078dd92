export interface Postgres {
  readonly what: string;
  readonly url: string;
  stop(): Promise<unknown>;
}

export function startPostgres(folder: string): Promise<Postgres>;

/** One that speaks TLS with this certificate (paths of PEM files); null where the server program is not installed. */
export function startTlsPostgres(
  folder: string,
  tls: { readonly cert: string; readonly key: string },
): Promise<Postgres | null>;
