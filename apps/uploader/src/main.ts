import { runService } from '@busbar/service-kit';
import { UploaderModule } from './uploader.module.js';

await runService('uploader', UploaderModule);
