export { LicenserModule } from './licenser.module.js';
