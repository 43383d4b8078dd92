import { CONTROL_ENTRY, ENTITLEMENTS } from '@busbar/service-kit';
import { Module } from '@nestjs/common';
import { ControlDesk } from './control-desk.js';
import { ForwarderService } from './forwarder.service.js';
import { ForwarderMetrics } from './forwarder-metrics.js';

@Module({ providers: [CONTROL_ENTRY, ENTITLEMENTS, ControlDesk, ForwarderService, ForwarderMetrics] })
export class ForwarderModule {}
