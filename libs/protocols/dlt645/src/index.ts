export {
  addressOctets,
  BROADCAST_ADDRESS,
  isAddressMatch,
  normalizeAddress,
  WILDCARD_ADDRESS,
} from './address.js';
export { type Answer, type ForeignReason, isSilent, judgeAnswer } from './answer.js';
export * from './control-codes.js';
export * from './error-word.js';
export { checksum, encodeFrame, FRAME_LIMITS, LINE_TIMES, type MeterFrame, OVERHEAD_OCTETS } from './frame.js';
export * from './frame-scanner.js';
export * from './item-read.js';
export * from './meter-item.js';
export * from './requests.js';
export * from './value-format.js';
