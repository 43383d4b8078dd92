export type { MappingParts } from './entry.js';
export { compileMapping, isMappingRefusal, Mapping, type PointBatchHead } from './mapping.js';
export type { FeedbackTarget, MappingRefusal, TagTarget } from './write.js';
