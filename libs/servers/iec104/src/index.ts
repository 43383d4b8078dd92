export { default } from './server.js';
