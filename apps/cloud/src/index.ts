export { type Cloud, type CloudOptions, startCloud } from './cloud.js';
export type { DeviceEntry } from './device-list.js';
