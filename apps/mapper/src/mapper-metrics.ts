import { METRICS } from '@busbar/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, type Registry } from 'prom-client';

@Injectable()
export class MapperMetrics {
  readonly values: Counter;
  readonly unmapped: Counter;

  constructor(@Inject(METRICS) registry: Registry) {
    const registers = [registry];
    this.values = new Counter({ name: 'mapper_values_total', help: 'Point values published', registers });
    this.unmapped = new Counter({
      name: 'mapper_unmapped_values_total',
      help: 'Tag values of devices that no configuration knows',
      registers,
    });
  }
}
