import { Module } from '@nestjs/common';
import { LicenserService } from './licenser.service.js';
import { LicenserMetrics } from './licenser-metrics.js';

@Module({ providers: [LicenserService, LicenserMetrics] })
export class LicenserModule {}
