import { startPrometheus } from '../../tools/servers/prometheus.mjs';

export interface Target {
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** Newest last; a point that was never there is absent, one that is no number is NaN. */
  readonly values: readonly number[];
}

export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly state: string;
}

/** A rule as Prometheus understood it. */
export interface Rule {
  readonly name: string;
  readonly query: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly health: string;
  readonly lastError?: string;
}

/** As far back as Grafana would look when it shows the last minute. */
const RANGE_S = 60;
const STEP_S = 2;

/** A real Prometheus with the targets and rules of one test. */
export class Prometheus {
  readonly #server: Awaited<ReturnType<typeof startPrometheus>>;

  private constructor(server: Awaited<ReturnType<typeof startPrometheus>>) {
    this.#server = server;
  }

  static async start(
    folder: string,
    what: { readonly targets: readonly Target[]; readonly rules: readonly string[] },
  ): Promise<Prometheus> {
    return new Prometheus(await startPrometheus(folder, what));
  }

  /** Health of each target, by its address. */
  async targets(): Promise<Map<string, string>> {
    const { activeTargets } = await this.#ask<{
      activeTargets: { discoveredLabels: Record<string, string>; health: string }[];
    }>('targets');
    return new Map(activeTargets.map(({ discoveredLabels, health }) => [String(discoveredLabels.__address__), health]));
  }

  async instant(query: string): Promise<Series[]> {
    const { result } = await this.#ask<{ result: { metric: Series['metric']; value: [number, string] }[] }>('query', {
      query,
    });
    return result.map(({ metric, value }) => ({ metric, values: [Number(value[1])] }));
  }

  async range(query: string): Promise<Series[]> {
    const end = Date.now() / 1000;
    const { result } = await this.#ask<{ result: { metric: Series['metric']; values: [number, string][] }[] }>(
      'query_range',
      { query, start: String(end - RANGE_S), end: String(end), step: String(STEP_S) },
    );
    return result.map(({ metric, values }) => ({ metric, values: values.map(([, value]) => Number(value)) }));
  }

  async rules(): Promise<Rule[]> {
    return (await this.#ask<{ groups: { rules: Rule[] }[] }>('rules')).groups.flatMap(({ rules }) => rules);
  }

  async alerts(): Promise<Alert[]> {
    return (await this.#ask<{ alerts: Alert[] }>('alerts')).alerts;
  }

  async #ask<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const response = await fetch(`${this.#server.url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(`Prometheus: ${answer.error}: ${parameters.query ?? path}`);
    return answer.data;
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }
}
