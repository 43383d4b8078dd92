export * from './configuration.js';
export * from './connections.js';
export * from './control.js';
export * from './control-answer.js';
export * from './generation.js';
export * from './json.js';
export * from './topics.js';
