import type { AnyDriver } from '@busbar/driver-sdk';
import { describeDriver } from '@busbar/driver-testkit';
import { describe } from 'vitest';
import { FaultyDevice } from '../simulator/faulty-device.js';
import driver from './index.js';

describe('Modbus TCP', () => {
  describeDriver(driver as AnyDriver, () => FaultyDevice.start('tcp'), { exchanges: 4_000 });
});
describe('serial frames over TCP', () => {
  describeDriver(driver as AnyDriver, () => FaultyDevice.start('rtu'), { exchanges: 500 });
});
