export { ForwarderModule } from './forwarder.module.js';
