import { readFileSync } from 'node:fs';
import type { AssetsView, ConnectionView, SiteView } from '@busbar/api-schema';
import type { Bus } from '@busbar/bus';
import { diagnosisRecord } from '@busbar/events';
import type { Clock } from '@busbar/model';
import { BUS, CLOCK, ConfigurationView } from '@busbar/service-kit';
import { Get, Inject } from '@nestjs/common';
import { ApiController } from './api.controller.js';
import { LiveService } from './live.service.js';
import { PublishService } from './publish.service.js';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

/** What the whole site is, and how its links stand. */
@ApiController('')
export class SiteController {
  constructor(
    @Inject(BUS) private readonly bus: Bus,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly configuration: ConfigurationView,
    private readonly publishing: PublishService,
    private readonly live: LiveService,
  ) {}

  @Get('site')
  site(): SiteView {
    const { current } = this.configuration;
    const { state, diagnosis } = this.bus.health();
    const record = this.publishing.record();
    const isKnown = record?.number === current?.number;
    return {
      id: current?.configuration.site.id ?? '',
      title: current?.configuration.site.title ?? '',
      timezone: current?.configuration.site.timezone ?? 'UTC',
      version: manifest.version,
      clock: this.clock.wallMs(),
      generation: current && {
        number: current.number,
        digest: current.digest,
        publishedAt: isKnown ? (record?.publishedAt ?? 0) : 0,
        by: isKnown ? (record?.by ?? '') : '',
      },
      bus: { kind: this.bus.kind, state, diagnosis: diagnosis && diagnosisRecord(diagnosis) },
      packageDiffers: [...this.publishing.differs],
    };
  }

  @Get('assets')
  assets(): AssetsView {
    return { assets: this.live.values().directory.assets() };
  }

  @Get('connections')
  connections(): { connections: ConnectionView[] } {
    return { connections: this.live.connections() };
  }
}
