import { runService } from '@busbar/service-kit';
import { ForwarderModule } from './forwarder.module.js';

await runService('forwarder', ForwarderModule);
