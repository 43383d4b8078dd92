import { describeSink } from '@busbar/sink-testkit';
import { enosTarget } from './simulator/enos-target.js';
import enosSink from './sink.js';

describeSink(enosSink, enosTarget);
