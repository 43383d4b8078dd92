export * from './collecting-writer.js';
export * from './describe-driver.js';
export { until } from './describe-exchange.js';
export { seededRandom } from './describe-faults.js';
export * from './driver-bench.js';
export * from './fake-time.js';
export * from './memory-driver.js';
export * from './simulated-device.js';
