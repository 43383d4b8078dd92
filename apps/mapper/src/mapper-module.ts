import { Module } from '@nestjs/common';
import { MapperConsumer } from './mapper-consumer.js';
import { MapperMetrics } from './mapper-metrics.js';
import { MapperService } from './mapper-service.js';

@Module({ providers: [MapperService, MapperMetrics], controllers: [MapperConsumer] })
export class MapperModule {}
