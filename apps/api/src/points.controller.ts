import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { PointsView, TrendView } from '@busbar/api-schema';
import type { Bus } from '@busbar/bus';
import { BusbarError } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import { BUS, CLOCK } from '@busbar/service-kit';
import { Get, Header, Inject, Param, Query, Res } from '@nestjs/common';
import { z } from 'zod';
import { ApiController } from './api.controller.js';
import { checked } from './api-error.js';
import { LiveService } from './live.service.js';
import type { LiveValues } from './live-values.js';
import { readTrend } from './trend.js';

const TREND_MS = 10 * 60_000;

const listSchema = z.object({ asset: z.string().optional(), q: z.string().max(200).optional() });
const trendSchema = z.object({ from: z.coerce.number().optional(), to: z.coerce.number().optional() });

interface Reply {
  send(body: Readable): unknown;
}

const ROWS = 500;

async function* pointsJson(values: LiveValues, found: Int32Array | null): AsyncGenerator<string> {
  const { directory } = values;
  const total = found ? found.length : directory.size;
  yield '{"points":[';
  for (let from = 0; from < total; from += ROWS) {
    const count = Math.min(ROWS, total - from);
    const points = Array.from({ length: count }, (_, i): PointsView['points'][number] => {
      const row = found ? (found[from + i] as number) : from + i;
      return { ...directory.rowAt(row), ...values.valueAt(row) };
    });
    yield `${from === 0 ? '' : ','}${JSON.stringify(points).slice(1, -1)}`;
    await setImmediate();
  }
  yield ']}';
}

/** Points with their newest values, and their past. */
@ApiController('points')
export class PointsController {
  constructor(
    @Inject(BUS) private readonly bus: Bus,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly live: LiveService,
  ) {}

  /** {@link PointsView}, written part by part: 100,000 points must not hold the event loop. */
  @Get()
  @Header('content-type', 'application/json; charset=utf-8')
  list(@Query() query: unknown, @Res() reply: Reply): void {
    const { asset, q } = checked(listSchema, query);
    const values = this.live.values();
    const found = values.directory.find({ asset, text: q });
    reply.send(Readable.from(pointsJson(values, found)));
  }

  @Get(':asset/:point')
  one(@Param('asset') asset: string, @Param('point') point: string): PointsView['points'][number] {
    const row = this.#row(asset, point);
    const values = this.live.values();
    return { ...values.directory.rowAt(row), ...values.valueAt(row) };
  }

  @Get(':asset/:point/trend')
  trend(@Param('asset') asset: string, @Param('point') point: string, @Query() query: unknown): Promise<TrendView> {
    this.#row(asset, point);
    const { from, to } = checked(trendSchema, query);
    const toMs = to ?? this.clock.wallMs();
    const fromMs = from ?? toMs - TREND_MS;
    return readTrend(this.bus, this.live.values(), { asset, point, fromMs, toMs });
  }

  #row(asset: string, point: string): number {
    const row = this.live.values().directory.rowOf(asset, point);
    if (row < 0) throw new BusbarError('NOT_FOUND', { kind: 'point', id: `${asset}/${point}` });
    return row;
  }
}
