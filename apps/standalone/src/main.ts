import { runService } from '@busbar/service-kit';
import { StandaloneModule } from './standalone.module.js';

await runService('standalone', StandaloneModule);
