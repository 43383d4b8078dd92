export * from './busbar-error.js';
export * from './catalog.js';
export { ERRORS, type ErrorCode } from './codes.js';
