import type { TrendView } from '@busbar/api-schema';
import { decodeBatch, type SampleBatch } from '@busbar/batch';
import type { Bus, InRecord } from '@busbar/bus';
import type { LiveValues } from './live-values.js';
import type { PointDirectory } from './point-directory.js';

const SAMPLES = 10_000;
/** A batch holds all points of an asset: so many at a time bound the memory of one question. */
const PAGE = 500;
const PAGES = 200;

export interface TrendQuery {
  readonly asset: string;
  readonly point: string;
  /** Epoch ms, both ends included. */
  readonly fromMs: number;
  readonly toMs: number;
}

interface Sample {
  readonly time: number;
  readonly value: number | null;
  readonly quality: number;
}

/** The samples of one point in the log, oldest first; the newest 10,000 if there are more. */
export async function readTrend(bus: Bus, values: LiveValues, query: TrendQuery): Promise<TrendView> {
  const { asset, point, fromMs, toMs } = query;
  const { directory } = values;
  const row = directory.rowOf(asset, point);
  const { number } = directory.pointAt(row);
  const pages: Sample[][] = [];
  const seen = new Set<string>();
  let found = 0;
  let until = toMs;
  let limit = PAGE;
  for (let page = 0; page < PAGES && found < SAMPLES; page++) {
    const records = await bus.range('points.updated.v1', asset, { fromMs, toMs: until, limit });
    const fresh = records.filter((record) => !seen.has(placeOf(record)));
    if (fresh.length === 0) {
      if (records.length < limit || limit >= SAMPLES) break;
      // A whole page of one millisecond, and there may be more of it.
      limit *= 2;
      continue;
    }
    const samples = fresh.flatMap((record) => samplesOf(record, directory, { asset, number }));
    pages.unshift(samples);
    found += samples.length;
    until = (records[0] as InRecord).timestampMs;
    // Only records of that very millisecond can come again.
    seen.clear();
    for (const record of records) if (record.timestampMs === until) seen.add(placeOf(record));
    if (records.length < limit) break;
    limit = PAGE;
  }
  const samples = pages.flat();
  addNewest(samples, values, row, toMs);
  samples.sort((a, b) => a.time - b.time);
  return toView(`${asset}/${point}`, samples.slice(-SAMPLES));
}

function placeOf(record: InRecord): string {
  return `${record.partition}:${record.offset}`;
}

function samplesOf(
  record: InRecord,
  directory: PointDirectory,
  { asset, number }: { readonly asset: string; readonly number: number },
): Sample[] {
  const batch = batchOf(record);
  if (!batch || !directory.rowsOf(asset, batch.generation)) return [];
  const samples: Sample[] = [];
  for (let i = 0; i < batch.count; i++) {
    if (batch.handles[i] !== number) continue;
    const quality = batch.quality[i] as number;
    const value = batch.values[i] as number;
    const time = batch.baseMs + (batch.dt[i] as number);
    samples.push({ time, quality, value: quality >= 0x80 || Number.isNaN(value) ? null : value });
  }
  return samples;
}

function batchOf(record: InRecord): SampleBatch | undefined {
  if (record.object !== undefined) return record.object as SampleBatch;
  if (!record.value) return undefined;
  try {
    return decodeBatch(record.value);
  } catch {
    return undefined;
  }
}

/** A point that seldom changes may have its newest value before the window's first record. */
function addNewest(samples: Sample[], values: LiveValues, row: number, toMs: number): void {
  const time = values.sourceMsAt(row);
  if (time === null || time > toMs || samples.some((sample) => sample.time >= time)) return;
  const number = values.numberAt(row);
  samples.push({ time, quality: values.qualityAt(row), value: Number.isNaN(number) ? null : number });
}

function toView(path: string, samples: readonly Sample[]): TrendView {
  return {
    path,
    times: samples.map((sample) => sample.time),
    values: samples.map((sample) => sample.value),
    quality: samples.map((sample) => sample.quality),
  };
}
