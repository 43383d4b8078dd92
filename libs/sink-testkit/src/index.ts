export * from './describe-sink.js';
export * from './site.js';
export * from './target.js';
export * from './test-broker.js';
