export * from './figures.js';
export * from './files.js';
export * from './live.js';
export * from './live-frame.js';
export * from './rest.js';
