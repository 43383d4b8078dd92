export * from './client-simulator.js';
export { describeServer } from './describe-server.js';
export * from './server-bench.js';
export * from './test-controls.js';
export * from './test-server.js';
export * from './test-site.js';
export * from './test-time.js';
