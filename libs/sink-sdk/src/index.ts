export * from './config-fields.js';
export * from './json-bytes.js';
export * from './placeholders.js';
export * from './sink.js';
export * from './sink-check.js';
export * from './sink-file.js';
export * from './time-groups.js';
