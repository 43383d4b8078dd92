import { BusbarError } from '@busbar/errors';
import type { FileTaskConfig, PointConfig, SinkConnectionConfig } from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { AppliedGeneration } from '@busbar/service-kit';
import type { FileReceipt, OutgoingFile, SinkAsset, SinkSpec } from '@busbar/sink-sdk';

/** What of a file a sink is told. */
export type Content = Pick<OutgoingFile, 'name' | 'size' | 'sha256' | 'md5' | 'timeMs' | 'read'>;

/** How files get to the clouds. */
export interface FileDelivery {
  /** Sinks that take the files of a point. */
  sinksOf(to: FileTaskConfig['to']): readonly string[];
  /** Resolves when the sink's target has it. Throws FILE_REFUSED for what it does not accept; anything else may pass. */
  send(delivered: Delivered, progress: (bytes: number) => void, signal: AbortSignal): Promise<FileReceipt>;
}

export interface Delivered {
  readonly sink: string;
  readonly to: FileTaskConfig['to'];
  readonly content: Content;
}

interface Target {
  readonly sink: SinkConnectionConfig;
  readonly spec: SinkSpec;
  readonly asset: SinkAsset;
  readonly point: PointConfig;
}

/** Delivers by the `sendFile` of the sink plug-ins that the generation sends the point to. */
export class SinkDelivery implements FileDelivery {
  readonly #specs: ReadonlyMap<string, SinkSpec>;
  readonly #clock: Clock;
  readonly #secret: (reference: string) => Promise<string>;
  #generation: AppliedGeneration | null = null;

  constructor(specs: ReadonlyMap<string, SinkSpec>, clock: Clock, secret: (reference: string) => Promise<string>) {
    this.#specs = specs;
    this.#clock = clock;
    this.#secret = secret;
  }

  apply(generation: AppliedGeneration): void {
    this.#generation = generation;
  }

  sinksOf(to: FileTaskConfig['to']): readonly string[] {
    return this.#targets(to).map(({ sink }) => sink.id);
  }

  async send(
    { sink: id, to, content }: Delivered,
    progress: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<FileReceipt> {
    const target = this.#targets(to).find(({ sink }) => sink.id === id);
    const sendFile = target?.spec.sendFile;
    if (!target || !sendFile) throw new BusbarError('FILE_NO_TARGET', { point: `${to.asset}/${to.point}` });
    const { sink, spec, asset, point } = target;
    const checked = spec.config.safeParse(sink.with);
    if (!checked.success) {
      const issue = checked.error.issues[0];
      const field = issue?.path.join('.') ?? '';
      throw new BusbarError('CONNECTION_CONFIG', { field, reason: issue?.message ?? 'not allowed' });
    }
    const context = {
      sink: sink.id,
      site: sink.site,
      config: checked.data,
      clock: this.#clock,
      secret: this.#secret,
      progress,
    };
    return sendFile(context, { ...content, asset, point }, signal);
  }

  #targets({ asset: assetId, point: pointId }: FileTaskConfig['to']): Target[] {
    const { connections = [], models = [] } = this.#generation?.configuration ?? {};
    return connections.flatMap((sink): Target[] => {
      if (sink.kind !== 'sink') return [];
      const spec = this.#specs.get(sink.sink);
      const found = sink.assets.find(({ asset }) => asset === assetId);
      if (!spec?.sendFile || !found) return [];
      const point = models.find(({ id }) => id === found.model)?.points.find(({ id }) => id === pointId);
      const sent = sink.profiles[found.profile]?.points.find(({ number }) => number === point?.number);
      if (!point || !sent || sent.rule.type === 'NOT_UPLOAD') return [];
      const { title, model, identity } = found;
      return [{ sink, spec, point, asset: { asset: assetId, title, model, identity } }];
    });
  }
}
