import { runService } from '@busbar/service-kit';
import { FileCollectorModule } from './file-collector.module.js';

await runService('file-collector', FileCollectorModule);
