export { SERVERS } from './catalog.js';
