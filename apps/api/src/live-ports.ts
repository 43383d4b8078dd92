import type { Bus } from '@busbar/bus';
import type { Clock } from '@busbar/model';
import { BUS, CLOCK, LOGGER, type Logger } from '@busbar/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { ConnectionViews } from './connection-views.js';
import { HoldViews } from './hold-views.js';
import { LiveFeed } from './live-feed.js';
import { RequestViews } from './request-views.js';

/** The views of the bus that the console shows, one of each in a process. */
@Injectable()
export class LivePorts {
  readonly feed: LiveFeed;
  readonly connections: ConnectionViews;
  readonly requests: RequestViews;
  readonly holds: HoldViews;

  constructor(@Inject(BUS) bus: Bus, @Inject(CLOCK) clock: Clock, @Inject(LOGGER) log: Logger) {
    this.feed = new LiveFeed(bus, clock, log);
    this.connections = new ConnectionViews(bus);
    this.requests = new RequestViews(bus, clock);
    this.holds = new HoldViews(bus, clock);
  }
}
