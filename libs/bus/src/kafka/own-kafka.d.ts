/** The starter of test brokers, plain JavaScript beside the projects. */
declare module '*/tools/servers/kafka.mjs' {
  export interface OwnKafka {
    readonly brokers: string;
    kill(): Promise<void>;
    restart(): Promise<void>;
    stop(): Promise<void>;
  }
  export function startKafka(folder: string): Promise<OwnKafka>;
}
