export * from './bits.js';
export * from './mbap.js';
export * from './pdu.js';
export * from './server.js';
export * from './shortest-float.js';
export * from './values.js';
