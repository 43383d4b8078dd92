import { runService } from '@busbar/service-kit';
import { CollectorModule } from './collector.module.js';

await runService('collector', CollectorModule);
