import { join } from 'node:path';
import type { Clock } from '@busbar/model';
import {
  CLOCK,
  CONTROL_ENTRY,
  ConfigurationView,
  ControlEntry,
  ENTITLEMENTS,
  SETTINGS,
  type Settings,
} from '@busbar/service-kit';
import { Module, type OnModuleDestroy } from '@nestjs/common';
import { Access } from './access.js';
import { readKeyFile } from './admin-key.js';
import { ApiMetrics } from './api-metrics.js';
import { ControlController } from './control.controller.js';
import { ControlDesk } from './control-desk.js';
import { FiguresController } from './figures.controller.js';
import { FilesController } from './files.controller.js';
import { ForwardingController } from './forwarding.controller.js';
import { HttpFrontend } from './http-frontend.js';
import { LicenseController } from './license.controller.js';
import { LiveService } from './live.service.js';
import { LiveGateway } from './live-gateway.js';
import { LivePorts } from './live-ports.js';
import { PointsController } from './points.controller.js';
import { PublishService } from './publish.service.js';
import { RequestViews } from './request-views.js';
import { SessionController } from './session.controller.js';
import { SiteController } from './site.controller.js';

function openAccess(settings: Settings, clock: Clock): Access {
  const adminKey = readKeyFile(settings.adminKeyFile, 'BUSBAR_ADMIN_KEY_FILE');
  const sessionKey = readKeyFile(join(settings.data, 'session.key'), 'BUSBAR_DATA');
  return new Access({ adminKey, sessionKey }, clock);
}

function openDesk(entry: ControlEntry, views: RequestViews, configuration: ConfigurationView): ControlDesk {
  return new ControlDesk(entry, views, () => configuration.current?.configuration.site.id ?? 'site');
}

/** REST and live socket for people and programs, and the only writer of configuration. */
@Module({
  controllers: [
    ControlController,
    FiguresController,
    FilesController,
    ForwardingController,
    LicenseController,
    PointsController,
    SessionController,
    SiteController,
  ],
  providers: [
    ApiMetrics,
    CONTROL_ENTRY,
    ENTITLEMENTS,
    HttpFrontend,
    LiveGateway,
    LivePorts,
    LiveService,
    PublishService,
    { provide: Access, useFactory: openAccess, inject: [SETTINGS, CLOCK] },
    { provide: RequestViews, useFactory: (ports: LivePorts) => ports.requests, inject: [LivePorts] },
    { provide: ControlDesk, useFactory: openDesk, inject: [ControlEntry, RequestViews, ConfigurationView] },
  ],
})
export class ApiModule implements OnModuleDestroy {
  constructor(
    private readonly desk: ControlDesk,
    metrics: ApiMetrics,
    ports: LivePorts,
  ) {
    metrics.watch('api_points', 'Points of the running generation', () => ports.feed.values.directory.size);
    metrics.watch('api_batches_refused', 'Batches that could not be decoded', () => ports.feed.refused);
  }

  onModuleDestroy(): void {
    this.desk.stop();
  }
}
