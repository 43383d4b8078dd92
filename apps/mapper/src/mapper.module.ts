import { Module } from '@nestjs/common';
import { MapperConsumer } from './mapper.consumer.js';
import { MapperService } from './mapper.service.js';
import { MapperMetrics } from './mapper-metrics.js';

@Module({ providers: [MapperService, MapperMetrics], controllers: [MapperConsumer] })
export class MapperModule {}
