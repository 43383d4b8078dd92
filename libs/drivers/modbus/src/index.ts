export { modbusDriver as default } from './driver.js';
