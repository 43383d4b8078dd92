export * from './batch.js';
export * from './codec.js';
export * from './handle-index.js';
