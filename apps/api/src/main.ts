import { runService } from '@busbar/service-kit';
import { ApiModule } from './api.module.js';

await runService('api', ApiModule);
