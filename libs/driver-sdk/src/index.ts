export * from './address.js';
export * from './driver.js';
export * from './fault.js';
