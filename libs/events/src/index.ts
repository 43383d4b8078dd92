export * from './configuration.js';
export * from './connections.js';
export * from './control.js';
export * from './json.js';
export * from './topics.js';
