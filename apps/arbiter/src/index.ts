export { ArbiterModule } from './arbiter.module.js';
