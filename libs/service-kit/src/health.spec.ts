import { HttpException } from '@nestjs/common';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { HealthController } from './health.controller.js';
import { Health } from './health.js';

const DOWN = { code: 'BUS_FULL', params: {} } as const;

function statusOf(health: Health): { status: number; body: unknown } {
  try {
    return { status: 200, body: new HealthController(health, new Registry()).ready() };
  } catch (error) {
    if (error instanceof HttpException) return { status: error.getStatus(), body: error.getResponse() };
    throw error;
  }
}

describe('health', () => {
  it('is ready while every part is', () => {
    const health = new Health();
    let isUp = true;
    health.register('bus', () => ({ ready: isUp, diagnosis: isUp ? null : DOWN }));
    health.register('store', () => ({ ready: true, diagnosis: null }));
    expect(health.report()).toMatchObject({ ready: true, stopping: false });
    isUp = false;
    expect(health.report()).toEqual({
      ready: false,
      stopping: false,
      parts: [
        { name: 'bus', ready: false, diagnosis: DOWN },
        { name: 'store', ready: true, diagnosis: null },
      ],
    });
  });

  it('is not ready from the moment of a stop', () => {
    const health = new Health();
    health.register('bus', () => ({ ready: true, diagnosis: null }));
    health.stop();
    expect(health.report()).toMatchObject({ ready: false, stopping: true });
  });

  it('lets a part register anew under its name', () => {
    const health = new Health();
    health.register('bus', () => ({ ready: false, diagnosis: null }));
    health.register('bus', () => ({ ready: true, diagnosis: null }));
    expect(health.report().parts).toHaveLength(1);
    expect(health.report().ready).toBe(true);
  });

  it('answers 200 when ready, 503 with the parts when not', () => {
    const health = new Health();
    expect(statusOf(health)).toEqual({ status: 200, body: { status: 'ready', parts: [] } });
    health.register('bus', () => ({ ready: false, diagnosis: DOWN }));
    expect(statusOf(health)).toMatchObject({ status: 503, body: { status: 'not ready', parts: [{ name: 'bus' }] } });
    health.stop();
    expect(statusOf(health)).toMatchObject({ status: 503, body: { status: 'stopping' } });
  });

  it('is live whatever its parts say', () => {
    const health = new Health();
    health.register('bus', () => ({ ready: false, diagnosis: null }));
    expect(new HealthController(health, new Registry()).live()).toEqual({ status: 'live' });
  });
});
