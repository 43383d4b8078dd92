import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ConnectionView } from '@busbar/api-schema';
import { editPackage } from './edit-package.js';
import { Site } from './site.js';

const CLOUD_PORT = '18443';
export const STATION = 'station-1';

export interface FilesSiteOptions {
  /** YAML of the section `connections`, and of `fileTasks`, each line indented by two. */
  readonly connections: string;
  readonly tasks: string;
  /** Points of type file. */
  readonly points: readonly string[];
  /** Content by path of the secret. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** A file as the stand-in has it. */
export interface CloudFile {
  readonly uri: string;
  readonly point: string;
  readonly originalFilename: string;
  readonly size: number;
  readonly sha256: string;
  readonly time: number;
  readonly received: number;
}

type TaskHealth = NonNullable<ConnectionView['files']>[number];

/** The whole product with file tasks, and the stand-in that takes the files. */
export class FilesSite {
  readonly site: Site;

  private constructor(site: Site) {
    this.site = site;
  }

  static async start(folder: string, options: FilesSiteOptions): Promise<FilesSite> {
    const target = join(folder, 'package');
    mkdirSync(target, { recursive: true });
    writeFileSync(join(target, 'busbar.yaml'), packageText(options));
    const site = await Site.prepare({ package: target, simulator: false });
    editPackage(site.package, 'busbar.yaml', CLOUD_PORT, String(site.ports.cloud));
    for (const [path, content] of Object.entries(options.secrets ?? {})) {
      const file = join(site.folder, 'data', 'secrets', path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content, { mode: 0o600 });
    }
    await site.run();
    return new FilesSite(site);
  }

  /** Files that the stand-in has of a point, in the order in which they came. */
  async files(point: string): Promise<readonly CloudFile[]> {
    const { body } = await this.site.cloud<{ files: CloudFile[] }>(`/devices/${STATION}/files`);
    return body.files.filter((file) => file.point === point);
  }

  async task(id: string): Promise<TaskHealth | undefined> {
    const { body } = await this.site.api<{ connections: ConnectionView[] }>('/connections');
    return body.connections.flatMap(({ files = [] }) => files).find(({ task }) => task === id);
  }

  /** Peak of the product's memory since the last call, MiB. */
  peakMemory(): number {
    const { pid } = this.site.program('standalone');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    // proc(5): 5 sets the peak back to what is used now.
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }
}

function packageText({ connections, tasks, points }: FilesSiteOptions): string {
  return `apiVersion: busbar/v1
site: { id: files, title: Files, timezone: UTC }
models:
  station:
    points:
${points.map((point) => `      ${point}: { type: file }`).join('\n')}
assets:
  ${STATION}: { model: station }
sinks:
  cloud:
    sink: enos
    with:
      url: mqtt://127.0.0.1:11883
      http: "http://127.0.0.1:${CLOUD_PORT}"
      productKey: gw
      deviceKey: gateway
      deviceSecret: secret:enos/gateway
    products: { station: pkStation }
    identity: { deviceKey: $asset, deviceSecret: secret:enos/$asset }
connections:
${connections}
fileTasks:
${tasks}`;
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
