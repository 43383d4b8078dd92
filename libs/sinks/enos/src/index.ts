export { default } from './sink.js';
