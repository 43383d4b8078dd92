export { DRIVERS } from './catalog.js';
