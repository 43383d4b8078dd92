export { FileCollectorModule } from './file-collector.module.js';
