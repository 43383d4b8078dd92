import { METRICS } from '@busbar/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, type Registry } from 'prom-client';

@Injectable()
export class UploaderMetrics {
  readonly values: Counter<'sink' | 'outcome'>;

  constructor(@Inject(METRICS) registry: Registry) {
    this.values = new Counter({
      name: 'uploader_values_total',
      help: 'Values by what became of them at the target',
      labelNames: ['sink', 'outcome'],
      registers: [registry],
    });
  }
}
