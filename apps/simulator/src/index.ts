export * from './counting.js';
export * from './simulator.js';
