import { type PointFile, pointFile, toCsv } from '@busbar/address-plan';
import { BusbarError } from '@busbar/errors';
import { joinPlan } from '@busbar/events';
import { ConfigurationView } from '@busbar/service-kit';
import { Get, Inject, Param, Res } from '@nestjs/common';
import writeXlsxFile from 'write-excel-file/node';
import { ApiController } from './api.controller.js';
import { LiveService } from './live.service.js';

const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';

interface Reply {
  header(name: string, value: string): Reply;
  send(body: string | Buffer): unknown;
}

/** The point list that a third party gets: what stands under which address. */
@ApiController('forwarding')
export class ForwardingController {
  constructor(
    @Inject(ConfigurationView) private readonly configuration: ConfigurationView,
    @Inject(LiveService) private readonly live: LiveService,
  ) {}

  @Get(':id/points.csv')
  csv(@Param('id') id: string, @Res() reply: Reply): void {
    const { file, name } = this.#file(id);
    reply
      .header('content-type', 'text/csv; charset=utf-8')
      .header('content-disposition', `attachment; filename="${name}.csv"`)
      // The mark of UTF-8, without which spreadsheets misread other scripts.
      .send(`\uFEFF${toCsv(file)}`);
  }

  @Get(':id/points.xlsx')
  async xlsx(@Param('id') id: string, @Res() reply: Reply): Promise<void> {
    const { file, name } = this.#file(id);
    const head = file.header.map((value) => ({ value, fontWeight: 'bold' as const }));
    const rows = file.rows.map((cells) => cells.map((value) => ({ value })));
    const octets = await writeXlsxFile([head, ...rows], { stickyRowsCount: 1 }).toBuffer();
    reply
      .header('content-type', XLSX)
      .header('content-disposition', `attachment; filename="${name}.xlsx"`)
      .send(octets);
  }

  #file(id: string): { readonly file: PointFile; readonly name: string } {
    const generation = this.configuration.current;
    const found = generation?.configuration.connections.find((connection) => connection.id === id);
    if (!generation || found?.kind !== 'forwarding')
      throw new BusbarError('NOT_FOUND', { kind: 'forwarding connection', id });
    const parts = new Map((generation.configuration.plans ?? []).map((part) => [part.id, part]));
    const joined = joinPlan(found, (digest) => parts.get(digest));
    if (!joined) throw new BusbarError('NOT_FOUND', { kind: 'address plan of', id });
    const { directory } = this.live.values();
    const file = pointFile(joined.plan, {
      generation: generation.number,
      asset: (asset) => generation.configuration.assets.find((each) => each.id === asset)?.title,
      point: (asset, point) => {
        const row = directory.rowOf(asset, point);
        if (row < 0) return undefined;
        const { title, unit, range } = directory.pointAt(row);
        return { title, ...(unit === undefined ? {} : { unit }), ...(range === undefined ? {} : { range }) };
      },
    });
    return { file, name: `${id}-${generation.number}` };
  }
}
