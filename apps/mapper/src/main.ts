import { runService } from '@busbar/service-kit';
import { MapperModule } from './mapper.module.js';

await runService('mapper', MapperModule);
