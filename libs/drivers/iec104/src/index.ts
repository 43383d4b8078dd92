export { iec104Driver as default } from './driver.js';
