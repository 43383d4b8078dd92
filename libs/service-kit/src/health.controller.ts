import { Controller, Get, Header, HttpException, Inject } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { Health, type HealthPart } from './health.js';
import { HEALTH, METRICS } from './tokens.js';

/** `/health/live`: the process runs; `/health/ready`: it can do its work; `/metrics` for Prometheus. */
@Controller()
export class HealthController {
  readonly #health: Health;
  readonly #metrics: Registry;

  constructor(@Inject(HEALTH) health: Health, @Inject(METRICS) metrics: Registry) {
    this.#health = health;
    this.#metrics = metrics;
  }

  @Get('health/live')
  live(): { status: string } {
    return { status: 'live' };
  }

  @Get('health/ready')
  ready(): { status: string; parts: readonly HealthPart[] } {
    const report = this.#health.report();
    const body = { status: report.stopping ? 'stopping' : report.ready ? 'ready' : 'not ready', parts: report.parts };
    if (!report.ready) throw new HttpException(body, 503);
    return body;
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  metrics(): Promise<string> {
    return this.#metrics.metrics();
  }
}
