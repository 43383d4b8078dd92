import { CONTROL_ENTRY } from '@busbar/service-kit';
import { Module } from '@nestjs/common';
import { UploaderService } from './uploader.service.js';
import { UploaderMetrics } from './uploader-metrics.js';

@Module({ providers: [CONTROL_ENTRY, UploaderService, UploaderMetrics] })
export class UploaderModule {}
