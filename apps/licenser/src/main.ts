import { runService } from '@busbar/service-kit';
import { LicenserModule } from './licenser.module.js';

await runService('licenser', LicenserModule);
