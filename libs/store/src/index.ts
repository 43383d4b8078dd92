export { openStore, type StoreOptions } from './open-store.js';
export * from './store.js';
