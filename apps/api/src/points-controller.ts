import type { PointsView, TrendView } from '@busbar/api-schema';
import type { Bus } from '@busbar/bus';
import { BusbarError } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import { BUS, CLOCK } from '@busbar/service-kit';
import { Get, Inject, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { ApiController } from './api-controller.js';
import { checked } from './api-error.js';
import { LiveService } from './live-service.js';
import { readTrend } from './trend.js';

const TREND_MS = 10 * 60_000;

const listSchema = z.object({ asset: z.string().optional(), q: z.string().max(200).optional() });
const trendSchema = z.object({ from: z.coerce.number().optional(), to: z.coerce.number().optional() });

/** Points with their newest values, and their past. */
@ApiController('points')
export class PointsController {
  constructor(
    @Inject(BUS) private readonly bus: Bus,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly live: LiveService,
  ) {}

  @Get()
  list(@Query() query: unknown): PointsView {
    const { asset, q } = checked(listSchema, query);
    const values = this.live.values();
    const { directory } = values;
    const found = directory.find({ asset, text: q });
    const points: PointsView['points'] = [];
    const total = found ? found.length : directory.size;
    for (let at = 0; at < total; at++) {
      const row = found ? (found[at] as number) : at;
      points.push({ ...directory.rowAt(row), ...values.valueAt(row) });
    }
    return { points };
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
