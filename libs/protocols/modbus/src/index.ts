export * from './bits.js';
export * from './mbap.js';
export * from './mixed-request.js';
export * from './number-writer.js';
export * from './pdu.js';
export * from './server.js';
export * from './shortest-float.js';
export * from './values.js';
