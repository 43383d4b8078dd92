import type { Delivery } from '@busbar/bus';
import { Consume } from '@busbar/service-kit';
import { Controller, Inject } from '@nestjs/common';
import { MapperService } from './mapper.service.js';

@Controller()
export class MapperConsumer {
  constructor(@Inject(MapperService) private readonly service: MapperService) {}

  @Consume('tags.sampled.v1', 'mapper')
  sampled(delivery: Delivery): Promise<void> {
    return this.service.handle(delivery);
  }
}
