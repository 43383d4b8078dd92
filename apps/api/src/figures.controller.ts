import type { FiguresView } from '@busbar/api-schema';
import { ServicePorts } from '@busbar/service-kit';
import { Get, Inject, type OnModuleDestroy } from '@nestjs/common';
import { ApiController } from './api.controller.js';
import { FigureViews } from './figure-views.js';

/** How the processes are, for sites without a Grafana. */
@ApiController('figures')
export class FiguresController implements OnModuleDestroy {
  readonly #views: FigureViews;

  constructor(@Inject(ServicePorts) { bus, clock }: ServicePorts) {
    this.#views = new FigureViews(bus, clock);
  }

  @Get()
  show(): FiguresView {
    return this.#views.view();
  }

  async onModuleDestroy(): Promise<void> {
    await this.#views.stop();
  }
}
