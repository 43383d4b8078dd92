export { UploaderModule } from './uploader.module.js';
