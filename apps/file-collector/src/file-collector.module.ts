import { Module } from '@nestjs/common';
import { FileCollectorService } from './file-collector.service.js';
import { FileCollectorMetrics } from './file-collector-metrics.js';

@Module({ providers: [FileCollectorService, FileCollectorMetrics] })
export class FileCollectorModule {}
