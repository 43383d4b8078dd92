export * from './address.js';
export * from './driver.js';
export * from './driver-check.js';
export * from './duration.js';
export * from './fault.js';
