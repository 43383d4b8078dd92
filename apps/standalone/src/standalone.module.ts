import { ApiModule } from '@busbar/api';
import { ArbiterModule } from '@busbar/arbiter';
import { CollectorModule } from '@busbar/collector';
import { MapperModule } from '@busbar/mapper';
import { UploaderModule } from '@busbar/uploader';
import { Module } from '@nestjs/common';

/** Every service in one process: the one app that imports others. */
@Module({ imports: [ApiModule, ArbiterModule, MapperModule, UploaderModule, CollectorModule] })
export class StandaloneModule {}
