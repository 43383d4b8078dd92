export { type EmbeddedBusSettings, openEmbeddedBus } from './embedded/open-embedded-bus.js';
export type { Segmentation } from './embedded/segments.js';
export type { Replication } from './kafka/ensure-topics.js';
export { type KafkaBusSettings, openKafkaBus } from './kafka/kafka-bus.js';
export type { KafkaSasl, KafkaSecurity, KafkaTls } from './kafka/kafka-security.js';
export type { BusLogger } from './logger.js';
export * from './port.js';
