import type { x } from '@busbar/driver-sdk';
export type T = typeof x;
