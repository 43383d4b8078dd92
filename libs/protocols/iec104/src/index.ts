export * from './apci.js';
export * from './asdu.js';
export * from './asdu-builder.js';
export {
  type AsduHeader,
  type AsduHeaderInput,
  type AsduSettings,
  answerAsdu,
  broadcastAddress,
  DEFAULT_ASDU_SETTINGS,
  headerOctets,
  maxObjectAddress,
  objectsPerAsdu,
} from './asdu-settings.js';
export * from './asdu-types.js';
export * from './causes.js';
export * from './descriptors.js';
export { type AsduInput, encodeAsdu } from './encode-asdu.js';
export * from './link.js';
export * from './prebuild-asdus.js';
export * from './time-tag.js';
export * from './time-zone.js';
export { isCarried, type ValueCodec } from './value-codec.js';
