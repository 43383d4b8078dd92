declare module '*/site-secrets.mjs' {
  export function writeSiteSecrets(options: {
    readonly data: string;
    readonly folder: string;
    readonly env: Readonly<Record<string, string | undefined>>;
  }): Promise<void>;
}
