export { SINKS } from './catalog.js';
