import type { Bus } from '@busbar/bus';
import type { Clock } from '@busbar/model';
import { Inject, Injectable } from '@nestjs/common';
import { ConfigurationView } from './configuration-view.js';
import type { Logger } from './log.js';
import { BUS, CLOCK, IDENTITY, LOGGER, type ProcessIdentity } from './tokens.js';

/** What nearly every service is lent, gathered, so that it has few collaborators. */
@Injectable()
export class ServicePorts {
  constructor(
    @Inject(BUS) readonly bus: Bus,
    @Inject(CLOCK) readonly clock: Clock,
    @Inject(LOGGER) readonly log: Logger,
    @Inject(IDENTITY) readonly identity: ProcessIdentity,
    @Inject(ConfigurationView) readonly configuration: ConfigurationView,
  ) {}
}
