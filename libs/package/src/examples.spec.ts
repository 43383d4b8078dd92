import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formatFinding } from './format-finding.js';
import { formatLock } from './lock.js';
import { FAKE_PLUGINS } from './testing/fake-plugins.js';
import { readFolder } from './testing/read-folder.js';
import { validatePackage } from './validate.js';

const examples = join(dirname(fileURLToPath(import.meta.url)), '../../../examples');

describe('the examples', () => {
  it.each(['pv-site', 'smallest'])('%s is valid without a warning', (name) => {
    const { findings, valid } = validatePackage(readFolder(join(examples, name)), { plugins: FAKE_PLUGINS });
    expect(findings.map(formatFinding)).toEqual([]);
    expect(valid).toBeDefined();
  });

  it('pv-site has every number in its lock', () => {
    const files = readFolder(join(examples, 'pv-site'));
    const { valid } = validatePackage(files, { plugins: FAKE_PLUGINS, isLocked: true });
    const lock = files.find(({ path }) => path === 'busbar.lock')?.content;
    expect(valid && formatLock(valid.lock)).toBe(new TextDecoder().decode(lock));
  });

  it('pv-site commands the power limit of four inverters and nothing else', () => {
    const { valid } = validatePackage(readFolder(join(examples, 'pv-site')), { plugins: FAKE_PLUGINS });
    expect(valid?.configuration.policies[0]).toEqual({
      kind: 'policy',
      id: 'curtailment',
      points: ['inv-01', 'inv-02', 'inv-03', 'inv-04'].map((asset) => ({ asset, point: 'INV.PowerLimit' })),
      priority: ['operator', 'external', 'cloud:enos', 'app'],
      holdMs: 60_000,
      maxHoldMs: 60_000,
      expiryMs: 30_000,
      maxExpiryMs: 300_000,
      limits: { range: [10, 100] },
      feedback: { withinMs: 10_000, tolerance: 0.5 },
    });
  });
});
