import { Module } from '@nestjs/common';
import { UploaderMetrics } from './uploader-metrics.js';
import { UploaderPorts, UploaderService } from './uploader-service.js';

@Module({ providers: [UploaderPorts, UploaderService, UploaderMetrics] })
export class UploaderModule {}
