import 'reflect-metadata';
import {
  BUS,
  CLOCK,
  ConfigurationView,
  HEALTH,
  Health,
  IDENTITY,
  LOGGER,
  METRICS,
  readSettings,
  SETTINGS,
  ServicePorts,
} from '@busbar/service-kit';
import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Registry } from 'prom-client';
import { expect, it, vi } from 'vitest';
import { LicenserModule } from './licenser.module.js';
import { silentLog, TestSite } from './test-site.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

it('the licenser publishes what the license gives, and says it in metrics and health', async () => {
  const site = await TestSite.open();
  await site.install();
  const registry = new Registry();
  const health = new Health();
  const settings = readSettings({
    BUSBAR_DATA: site.folder,
    BUSBAR_LICENSE: site.licenseFile,
    BUSBAR_LICENSE_KEYS: site.keysFile,
  });
  const onChange = (listener: () => void) => {
    queueMicrotask(listener);
    return () => undefined;
  };
  const providers = [
    { provide: BUS, useValue: site.bus },
    { provide: CLOCK, useValue: site.clock },
    { provide: LOGGER, useValue: silentLog },
    { provide: METRICS, useValue: registry },
    { provide: HEALTH, useValue: health },
    { provide: SETTINGS, useValue: settings },
    { provide: IDENTITY, useValue: { service: 'licenser', bootId: 'boot', instance: 'one' } },
    { provide: ConfigurationView, useValue: { current: site.current, onChange } },
    ServicePorts,
  ];
  class Kit {}
  Module({})(Kit);
  const kit = { module: Kit, global: true, providers, exports: providers };
  const app = await Test.createTestingModule({ imports: [kit, LicenserModule] }).compile();
  try {
    await app.init();
    await vi.waitUntil(() => site.published === 1, { timeout: 10_000 });
    const metrics = await registry.metrics();
    expect(metrics).toContain('licenser_state{state="valid"} 1');
    expect(metrics).toContain('licenser_granted{what="connections"} 2');
    expect(metrics).toContain('licenser_used{what="tags"} 10');
    expect(health.report()).toMatchObject({ ready: true, parts: [{ name: 'license', ready: true, diagnosis: null }] });
  } finally {
    await app.close();
    await site.close();
  }
});
