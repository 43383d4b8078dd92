export * from './batch.js';
export * from './codec.js';
