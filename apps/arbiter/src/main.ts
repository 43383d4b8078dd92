import { runService } from '@busbar/service-kit';
import { ArbiterModule } from './arbiter.module.js';

await runService('arbiter', ArbiterModule);
