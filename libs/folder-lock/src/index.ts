export * from './folder-lock.js';
