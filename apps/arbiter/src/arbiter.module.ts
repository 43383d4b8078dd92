import { Module } from '@nestjs/common';
import { ArbiterService } from './arbiter.service.js';
import { ArbiterMetrics } from './arbiter-metrics.js';

@Module({ providers: [ArbiterService, ArbiterMetrics] })
export class ArbiterModule {}
