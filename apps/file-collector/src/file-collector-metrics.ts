import { METRICS } from '@busbar/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, type Registry } from 'prom-client';

@Injectable()
export class FileCollectorMetrics {
  readonly files: Counter<'connection' | 'outcome'>;
  readonly bytes: Counter<'connection' | 'outcome'>;

  constructor(@Inject(METRICS) registry: Registry) {
    const labelNames = ['connection', 'outcome'] as const;
    this.files = new Counter({
      name: 'file_collector_files_total',
      help: 'Files by what became of them',
      labelNames,
      registers: [registry],
    });
    this.bytes = new Counter({
      name: 'file_collector_bytes_total',
      help: 'Octets of those files',
      labelNames,
      registers: [registry],
    });
  }
}
