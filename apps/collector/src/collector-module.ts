import { Module } from '@nestjs/common';
import { CollectorMetrics } from './collector-metrics.js';
import { CollectorPorts, CollectorService } from './collector-service.js';

@Module({ providers: [CollectorPorts, CollectorService, CollectorMetrics] })
export class CollectorModule {}
