declare module '*/site-secrets.mjs' {
  export function writeSiteSecrets(options: {
    readonly data: string;
    readonly folder: string;
    readonly env: Readonly<Record<string, string | undefined>>;
  }): Promise<void>;
}

declare module '*/kafka.mjs' {
  export interface Kafka {
    readonly what: string;
    readonly brokers: string;
    stop(): Promise<unknown>;
    /** Absent for a broker that was given by address. */
    readonly kill?: () => Promise<unknown>;
    readonly restart?: () => Promise<unknown>;
  }
  export function startKafka(folder: string): Promise<Kafka>;
}

declare module '*/postgres.mjs' {
  export interface Postgres {
    readonly what: string;
    readonly url: string;
    stop(): Promise<unknown>;
  }
  export function startPostgres(folder: string): Promise<Postgres>;
}

declare module '*/mosquitto.mjs' {
  export interface Mosquitto {
    readonly what: string;
    readonly port: number;
    readonly url: string;
    stop(): Promise<unknown>;
  }
  export function startMosquitto(folder: string, port?: number): Promise<Mosquitto>;
  export function mosquittoProgram(): string | undefined;
}
