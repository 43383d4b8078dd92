import { CONTROL_ENTRY, ENTITLEMENTS } from '@busbar/service-kit';
import { Module } from '@nestjs/common';
import { ControlDesk } from './control-desk.js';
import { ForwarderService } from './forwarder.service.js';
import { ForwarderMetrics } from './forwarder-metrics.js';
import { POD_LABELS_PROVIDER } from './pod-labels.js';

@Module({
  providers: [CONTROL_ENTRY, ENTITLEMENTS, ControlDesk, ForwarderService, ForwarderMetrics, POD_LABELS_PROVIDER],
})
export class ForwarderModule {}
