import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeBus } from '../bus-contract.js';
import { openTestBus } from './test-bus.js';

describeBus('the embedded bus', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'busbar-bus-'));
  return {
    open: () => openTestBus({ folder }),
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
});
