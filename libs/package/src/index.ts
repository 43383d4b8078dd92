export { formatFinding } from './format-finding.js';
export { formatLock, parseLock } from './lock.js';
export * from './result.js';
export { type ValidateOptions, validatePackage } from './validate.js';
