export * from './admit.js';
export * from './judge-license.js';
export * from './key-pair.js';
export * from './license.js';
export * from './license-clock.js';
export * from './license-token.js';
export * from './trust-list.js';
