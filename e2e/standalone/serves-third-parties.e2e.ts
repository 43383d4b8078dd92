import { Site } from '../harness/site.js';
import { describeThirdParties } from '../scenarios/third-parties.js';

describeThirdParties('third parties', { start: () => Site.start() });
