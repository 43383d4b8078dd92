import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { writeSiteSecrets } from '../../tools/site-secrets.mjs';
import { freePorts } from './ports.js';
import { Program, root } from './program.js';
import { Hopeless, until } from './until.js';

export interface SiteOptions {
  /** Folder of the package; its ports 15020, 15021, 11883, 2404 and 1502 are replaced by free ones. */
  readonly package?: string;
  /** Programs besides simulator and stand-in. A name may carry a number: `collector-2`. */
  readonly programs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly simulator?: boolean;
  readonly cloud?: boolean;
  /** Files put into the package besides, by their path in it. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

function eachFile(folder: string, visit: (path: string) => void): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) eachFile(path, visit);
    else visit(path);
  }
}

/** A running site in a folder of its own, on ports of its own. */
export class Site {
  readonly folder: string;
  readonly package: string;
  readonly ports: {
    readonly http: number;
    readonly modbus: number;
    readonly simulator: number;
    readonly mqtt: number;
    readonly cloud: number;
    readonly iec104: number;
    readonly forwardedModbus: number;
  };
  readonly programs = new Map<string, Program>();

  private constructor(folder: string, ports: Site['ports']) {
    this.folder = folder;
    this.package = join(folder, 'package');
    this.ports = ports;
  }

  /** Lays everything out without starting it. */
  static async prepare(options: SiteOptions = {}): Promise<Site> {
    const folder = mkdtempSync(join(tmpdir(), 'busbar-e2e-'));
    const modbus = await freePorts(30);
    const first = await freePorts(6);
    const [http, simulator, mqtt, cloud] = [first, first + 1, first + 2, first + 3];
    const ports = { modbus, http, simulator, mqtt, cloud, iec104: first + 4, forwardedModbus: first + 5 };
    const site = new Site(folder, ports);
    cpSync(options.package ?? join(root, 'examples', 'pv-site'), site.package, { recursive: true });
    for (const [path, content] of Object.entries(options.files ?? {})) {
      mkdirSync(dirname(join(site.package, path)), { recursive: true });
      writeFileSync(join(site.package, path), content);
    }
    eachFile(site.package, (path) => {
      if (!/\.(ya?ml|csv)$/.test(path)) return;
      const text = readFileSync(path, 'utf8');
      const moved = text
        .replace(/\b150(\d\d)\b/g, (whole, nn: string) =>
          Number(nn) >= 20 && Number(nn) < 50 ? String(modbus + Number(nn) - 20) : whole,
        )
        .replace(/\b11883\b/g, String(ports.mqtt))
        .replace(/\b2404\b/g, String(ports.iec104))
        .replace(/\b1502\b/g, String(ports.forwardedModbus));
      if (moved !== text) writeFileSync(path, moved);
    });
    const shared: Record<string, string> = {
      BUSBAR_DATA: join(folder, 'data'),
      BUSBAR_PACKAGE: site.package,
      BUSBAR_HTTP: `127.0.0.1:${ports.http}`,
      BUSBAR_CLOUD_MQTT: `127.0.0.1:${ports.mqtt}`,
      BUSBAR_CLOUD_HTTP: `127.0.0.1:${ports.cloud}`,
      BUSBAR_SIMULATOR_HTTP: `127.0.0.1:${ports.simulator}`,
      BUSBAR_SIMULATOR_MODBUS: `127.0.0.1:${modbus}`,
      ...options.env,
    };
    mkdirSync(join(folder, 'data'), { recursive: true });
    await writeSiteSecrets({ data: join(folder, 'data'), folder: site.package, env: shared });
    const names = [
      ...(options.simulator === false ? [] : ['simulator']),
      ...(options.cloud === false ? [] : ['cloud']),
      ...(options.programs ?? ['standalone']),
    ];
    for (const name of names) {
      const own: Record<string, string> = name === 'standalone' || name === 'api' ? {} : { BUSBAR_HTTP: '127.0.0.1:0' };
      site.programs.set(name, new Program(name, { ...shared, ...own }));
    }
    return site;
  }

  static async start(options: SiteOptions = {}): Promise<Site> {
    const site = await Site.prepare(options);
    await site.run();
    return site;
  }

  /** Starts every program, and waits until the API is ready; removes all of it when that does not come. */
  async run(): Promise<void> {
    for (const program of this.programs.values()) program.start();
    try {
      await this.untilReady();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  program(name: string): Program {
    const program = this.programs.get(name);
    if (!program) throw new Error(`no program ${name}`);
    return program;
  }

  async untilReady(timeoutMs = 60_000): Promise<void> {
    await until(
      'the API is ready',
      async () => {
        for (const program of this.programs.values()) {
          if (!program.isRunning) throw new Hopeless(`${program.name} ended: ${program.output.slice(-2000)}`);
        }
        return (await fetch(`http://127.0.0.1:${this.ports.http}/health/ready`)).ok;
      },
      timeoutMs,
    );
  }

  get key(): string {
    return readFileSync(join(this.folder, 'data', 'admin.key'), 'utf8').trim();
  }

  async api<T>(path: string, init: RequestInit = {}): Promise<Answer<T>> {
    const headers = { authorization: `Bearer ${this.key}`, 'content-type': 'application/json' };
    return this.#fetch(`http://127.0.0.1:${this.ports.http}/api/v1${path}`, { ...init, headers });
  }

  /** What is no JSON. */
  raw(path: string): Promise<Response> {
    const headers = { authorization: `Bearer ${this.key}` };
    return fetch(`http://127.0.0.1:${this.ports.http}/api/v1${path}`, { headers });
  }

  async cloud<T>(path: string, init: RequestInit = {}): Promise<Answer<T>> {
    return this.#fetch(`http://127.0.0.1:${this.ports.cloud}/api/v1${path}`, init);
  }

  async simulator<T>(path: string, init: RequestInit = {}): Promise<Answer<T>> {
    return this.#fetch(`http://127.0.0.1:${this.ports.simulator}/api/v1${path}`, init);
  }

  async #fetch<T>(url: string, init: RequestInit): Promise<Answer<T>> {
    const headers = { ...(init.body ? { 'content-type': 'application/json' } : {}), ...init.headers };
    const response = await fetch(url, { ...init, headers });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as T };
  }

  /** Stops every program in order, and removes the folder. */
  async stop(): Promise<void> {
    const programs = [...this.programs.values()];
    await Promise.all(programs.map((program) => program.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
