import { Site } from '../harness/site.js';
import { describeOneValue } from '../scenarios/one-value.js';

describeOneValue('one value all the way, in one process', { start: () => Site.start(), restarted: ['standalone'] });
