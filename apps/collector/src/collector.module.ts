import { ENTITLEMENTS } from '@busbar/service-kit';
import { Module } from '@nestjs/common';
import { CollectorService } from './collector.service.js';
import { CollectorMetrics } from './collector-metrics.js';

@Module({ providers: [ENTITLEMENTS, CollectorService, CollectorMetrics] })
export class CollectorModule {}
