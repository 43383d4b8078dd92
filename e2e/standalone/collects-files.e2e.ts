import { Site } from '../harness/site.js';
import { describeFiles } from '../scenarios/files.js';

describeFiles('file collection', { prepare: (options) => Site.prepare(options), leaves: null });
