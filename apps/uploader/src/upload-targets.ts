import type { PointConfig, SinkConnectionConfig } from '@busbar/events';
import type { AppliedGeneration } from '@busbar/service-kit';
import type { SinkAsset } from '@busbar/sink-sdk';
import { UploadPolicy, UploadProfile } from '@busbar/upload-policy';

/** One asset at one sink: who it is there, its points, and what is sent of it. */
export interface UploadTarget {
  readonly asset: SinkAsset;
  readonly points: readonly (PointConfig | undefined)[];
  readonly policy: UploadPolicy;
}

export interface UploadTargets {
  readonly generation: number;
  readonly byAsset: ReadonlyMap<string, UploadTarget>;
  readonly points: ReadonlyMap<string, readonly (PointConfig | undefined)[]>;
}

/** Keeps the policy of an asset whose rules did not change: a new generation must not send everything anew. */
export function compileTargets(
  { number, configuration }: AppliedGeneration,
  sink: SinkConnectionConfig,
  previous: UploadTargets | null,
): UploadTargets {
  const points = new Map<string, (PointConfig | undefined)[]>();
  for (const model of configuration.models) {
    const list: (PointConfig | undefined)[] = [];
    for (const point of model.points) list[point.number] = point;
    points.set(model.id, list);
  }
  const profiles = sink.profiles.map((profile) => ({
    compiled: new UploadProfile(profile.points),
    digest: JSON.stringify(profile),
  }));
  const byAsset = new Map<string, UploadTarget & { readonly rules: string }>();
  for (const { asset, title, model, profile: index, identity } of sink.assets) {
    const profile = profiles[index];
    if (!profile) continue;
    const known = previous?.byAsset.get(asset) as (UploadTarget & { readonly rules?: string }) | undefined;
    byAsset.set(asset, {
      asset: { asset, title, model, identity },
      points: points.get(model) ?? [],
      policy: known?.rules === profile.digest ? known.policy : new UploadPolicy(profile.compiled),
      rules: profile.digest,
    });
  }
  return { generation: number, byAsset, points };
}
