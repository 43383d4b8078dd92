import { ApiModule } from '@busbar/api';
import { ArbiterModule } from '@busbar/arbiter';
import { CollectorModule } from '@busbar/collector';
import { FileCollectorModule } from '@busbar/file-collector';
import { ForwarderModule } from '@busbar/forwarder';
import { LicenserModule } from '@busbar/licenser';
import { MapperModule } from '@busbar/mapper';
import { UploaderModule } from '@busbar/uploader';
import { Module } from '@nestjs/common';

/** Every service in one process: the one app that imports others. */
@Module({
  imports: [
    ApiModule,
    ArbiterModule,
    ForwarderModule,
    LicenserModule,
    MapperModule,
    UploaderModule,
    CollectorModule,
    FileCollectorModule,
  ],
})
export class StandaloneModule {}
