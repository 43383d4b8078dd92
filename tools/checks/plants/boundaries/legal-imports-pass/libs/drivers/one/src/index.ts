import type { x } from '@busbar/driver-sdk';
export { a } from './client.js';
export type X = typeof x;
