import type { AnyDriver } from '@busbar/driver-sdk';
import { describe } from 'vitest';
import { describeExchange } from './describe-exchange.js';
import { describeFaults } from './describe-faults.js';
import { describeShape } from './describe-shape.js';
import { describeWrites } from './describe-writes.js';
import type { SimulatedDevice } from './simulated-device.js';

export interface DescribeOptions {
  /** Exchanges in the fault run; default 2,000. */
  readonly exchanges?: number;
}

/** The contract suite: every driver passes it against a simulated device of its protocol. */
export function describeDriver(
  driver: AnyDriver,
  simulate: () => Promise<SimulatedDevice>,
  options: DescribeOptions = {},
): void {
  describe(`driver ${driver.id}`, () => {
    describeShape(driver, simulate);
    describeExchange(driver, simulate);
    describeFaults(driver, simulate, options.exchanges ?? 2_000);
    if (driver.write) describeWrites(driver, simulate);
  });
}
