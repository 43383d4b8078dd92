export * from './live.js';
export * from './rest.js';
