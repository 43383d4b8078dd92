import { Module } from '@nestjs/common';
import { ArbiterMetrics } from './arbiter-metrics.js';
import { ArbiterPorts, ArbiterService } from './arbiter-service.js';

@Module({ providers: [ArbiterPorts, ArbiterService, ArbiterMetrics] })
export class ArbiterModule {}
