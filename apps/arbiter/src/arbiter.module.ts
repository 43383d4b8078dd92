import { Module } from '@nestjs/common';
import { ArbiterPorts, ArbiterService } from './arbiter.service.js';
import { ArbiterMetrics } from './arbiter-metrics.js';

@Module({ providers: [ArbiterPorts, ArbiterService, ArbiterMetrics] })
export class ArbiterModule {}
