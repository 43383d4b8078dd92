import { Module } from '@nestjs/common';
import { CollectorPorts, CollectorService } from './collector.service.js';
import { CollectorMetrics } from './collector-metrics.js';

@Module({ providers: [CollectorPorts, CollectorService, CollectorMetrics] })
export class CollectorModule {}
