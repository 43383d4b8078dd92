export * from './clock.js';
export * from './cron-expression.js';
export * from './file-dates.js';
export * from './file-pattern.js';
export * from './ids.js';
export * from './point-value.js';
export * from './quality.js';
export * from './value.js';
