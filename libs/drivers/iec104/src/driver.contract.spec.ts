import type { AnyDriver } from '@busbar/driver-sdk';
import { describeDriver } from '@busbar/driver-testkit';
import { FaultyStation } from '../simulator/faulty-station.js';
import driver from './index.js';

describeDriver(driver as AnyDriver, () => FaultyStation.start(), { exchanges: 600 });
