import type { FigureUnit } from '@busbar/api-schema';
import type { FigureQuery, Labels } from './figure-store.js';

/** From when on a figure is an alert: the number, and its weight, of charts/busbar/rules. */
export interface FigureLimit {
  readonly alert: string;
  readonly severity: 'warning' | 'critical';
  readonly is: 'above' | 'below' | 'equal';
  readonly than: number;
  /** What is compared, if not the value: growth, or rate, over 10 or 15 minutes. */
  readonly of?: 'tenMinutes' | 'quarter' | 'tenMinutesRate';
}

export interface FigureColumn {
  readonly id: string;
  readonly unit: FigureUnit;
  readonly of: readonly FigureQuery[];
  readonly limit?: FigureLimit | ((labels: Labels) => FigureLimit | undefined);
}

export interface FigureTableSpec {
  readonly id: string;
  /** Series that make the rows; the columns say something of each. */
  readonly rows: readonly FigureQuery[];
  readonly note?: (labels: Labels) => string | null;
  readonly columns: readonly FigureColumn[];
  /** Rows stay in the order of {@link rows}. */
  readonly isOrdered?: true;
}

type Rest = Partial<Pick<FigureQuery, 'over' | 'where'>>;
type Row = FigureQuery['row'] | string;

function query(as: FigureQuery['as'], name: string, by: Row, rest: Rest): FigureQuery {
  const row = typeof by === 'string' ? (labels: Labels) => labels[by] ?? null : by;
  return { as, name, over: 'sum', row, ...rest };
}
const gauge = (name: string, by: Row, rest: Rest = {}) => query('gauge', name, by, rest);
const rate = (name: string, by: Row, rest: Rest = {}) => query('rate', name, by, rest);
const increase = (name: string, by: Row, rest: Rest = {}) => query('increase', name, by, rest);
const age = (name: string, by: Row) => query('age', name, by, { over: 'min' });

/** The one row of a figure of the whole site. */
const site = () => '';
const max = { over: 'max' } as const;

const critical = { severity: 'critical' } as const;
const warning = { severity: 'warning' } as const;
const down = (alert: string): FigureLimit => ({ alert, ...critical, is: 'equal', than: 0 });

const SCAN_OVERLOAD: FigureLimit = { alert: 'BusbarScanOverload', ...warning, is: 'above', than: 0.9 };
const LATE: FigureLimit = { alert: 'BusbarLateScans', ...warning, is: 'above', than: 0.1, of: 'tenMinutesRate' };
const DEAD: FigureLimit = { alert: 'BusbarDeadDevices', ...warning, is: 'above', than: 0 };
const DROPPED: FigureLimit = { alert: 'BusbarValuesDropped', ...critical, is: 'above', than: 0, of: 'tenMinutes' };
const LAG: FigureLimit = { alert: 'BusbarPipelineLag', ...warning, is: 'above', than: 30 };
const BACKLOG: FigureLimit = { alert: 'BusbarUploadBacklog', ...warning, is: 'above', than: 300 };
const REFUSED: FigureLimit = { alert: 'BusbarUploadRefused', ...warning, is: 'above', than: 0, of: 'quarter' };
const FORWARD_LAG: FigureLimit = { alert: 'BusbarForwardLag', ...critical, is: 'above', than: 10 };
const QUEUE: FigureLimit = { alert: 'BusbarForwardDropped', ...warning, is: 'above', than: 0, of: 'quarter' };
const MASTER: FigureLimit = { alert: 'BusbarMasterRefused', ...warning, is: 'above', than: 0, of: 'quarter' };
const UNKNOWN: FigureLimit = { alert: 'BusbarControlUnknown', ...critical, is: 'above', than: 0, of: 'quarter' };
const FAILED: FigureLimit = { alert: 'BusbarControlFailed', ...warning, is: 'above', than: 0, of: 'quarter' };
const NO_ARBITER: FigureLimit = { alert: 'BusbarNoArbiter', ...critical, is: 'below', than: 1 };
const LICENSE: FigureLimit = { alert: 'BusbarLicenseEnds', ...warning, is: 'below', than: 14 * 86_400 };
const SLOW: FigureLimit = { alert: 'BusbarEventLoopSlow', ...warning, is: 'above', than: 0.5 };

/** Rows of the overview: one figure each. */
export const OVERVIEW: readonly FigureColumn[] = [
  { id: 'connectionsUp', unit: 'count', of: [gauge('collector_connection_up', site)] },
  {
    id: 'deadDevices',
    unit: 'count',
    of: [gauge('collector_devices', site, { where: { state: 'degraded' } })],
    limit: DEAD,
  },
  { id: 'valuesCollected', unit: 'perSecond', of: [rate('collector_values_total', site)] },
  { id: 'valuesMapped', unit: 'perSecond', of: [rate('mapper_values_total', site)] },
  {
    id: 'valuesUploaded',
    unit: 'perSecond',
    of: [rate('uploader_values_total', site, { where: { outcome: 'acknowledged' } })],
  },
  { id: 'valuesDropped', unit: 'count', of: [increase('collector_dropped_values_total', site)], limit: DROPPED },
  { id: 'sinksUp', unit: 'count', of: [gauge('uploader_sink_up', site)] },
  { id: 'oldestUpload', unit: 'seconds', of: [gauge('uploader_lag_seconds', site, max)], limit: BACKLOG },
  { id: 'masters', unit: 'count', of: [gauge('forwarder_clients', site)] },
  { id: 'arbiters', unit: 'count', of: [gauge('arbiter_in_office', site)], limit: NO_ARBITER },
  { id: 'grants', unit: 'count', of: [increase('arbiter_grants_total', site)] },
  {
    id: 'unknownEnds',
    unit: 'count',
    of: [increase('arbiter_ends_total', site, { where: { end: 'unknown' } })],
    limit: UNKNOWN,
  },
  { id: 'licenseLeft', unit: 'seconds', of: [gauge('licenser_left_seconds', site, { over: 'min' })], limit: LICENSE },
];

function collection(id: string, by: string): FigureTableSpec {
  return {
    id,
    rows: [gauge('collector_connection_up', by)],
    note: ({ protocol }) => (by === 'protocol' ? null : (protocol ?? null)),
    columns: [
      {
        id: by === 'protocol' ? 'answering' : 'up',
        unit: by === 'protocol' ? 'count' : 'isUp',
        of: [gauge('collector_connection_up', by, by === 'protocol' ? {} : max)],
        ...(by === 'protocol' ? {} : { limit: down('BusbarConnectionDown') }),
      },
      { id: 'scanLoad', unit: 'share', of: [gauge('collector_scan_load', by, max)], limit: SCAN_OVERLOAD },
      { id: 'lateScans', unit: 'perSecond', of: [rate('collector_late_scans_total', by)], limit: LATE },
      { id: 'errors', unit: 'perSecond', of: [rate('collector_errors_total', by)] },
      {
        id: 'deadDevices',
        unit: 'count',
        of: [gauge('collector_devices', by, { where: { state: 'degraded' } })],
        limit: DEAD,
      },
      { id: 'tagsNotGood', unit: 'count', of: [gauge('collector_tags', by, { where: { quality: 'other' } })] },
    ],
  };
}

const kind = ({ connection, kind: of }: Labels) => `${connection}: ${of}`;
const sinkStage = ({ sink }: Labels) => `uploader ${sink}`;
const forwardStage = ({ connection }: Labels) => `forwarder ${connection}`;
const collectorStage = () => 'collector';
const mapperStage = () => 'mapper';
const end = ({ end: how, reason }: Labels) => (reason ? `${how}: ${reason}` : `${how}`);
const ofEnd = ({ end: how }: Labels) => (how === 'unknown' ? UNKNOWN : how === 'failed' ? FAILED : undefined);
const refusal = ({ connection, why }: Labels) => `${connection}: ${why}`;
const asked = ({ connection, function: what, answer }: Labels) => `${connection}: ${what} ${answer}`;
const pod = ({ '@name': name, '@workload': workload }: Labels) =>
  workload === 'all' || workload === undefined ? `${name}` : `${name} (${workload})`;

export const GROUPS: readonly { readonly id: string; readonly tables: readonly FigureTableSpec[] }[] = [
  {
    id: 'collection',
    tables: [
      collection('connections', 'connection'),
      collection('protocols', 'protocol'),
      {
        id: 'errors',
        rows: [increase('collector_errors_total', kind)],
        note: ({ protocol }) => protocol ?? null,
        columns: [
          { id: 'now', unit: 'perSecond', of: [rate('collector_errors_total', kind)] },
          { id: 'quarter', unit: 'count', of: [increase('collector_errors_total', kind)] },
        ],
      },
    ],
  },
  {
    id: 'pipeline',
    tables: [
      {
        id: 'stages',
        isOrdered: true,
        rows: [
          gauge('collector_ring_age_seconds', collectorStage),
          gauge('bus_lag_seconds', 'group', max),
          gauge('uploader_lag_seconds', sinkStage),
          gauge('forwarder_lag_seconds', forwardStage),
        ],
        columns: [
          {
            id: 'valuesPerSecond',
            unit: 'perSecond',
            of: [
              rate('collector_values_total', collectorStage),
              rate('mapper_values_total', mapperStage),
              rate('uploader_values_total', sinkStage, { where: { outcome: 'acknowledged' } }),
            ],
          },
          {
            id: 'waiting',
            unit: 'count',
            of: [
              gauge('bus_lag_records', 'group'),
              gauge('uploader_lag_records', sinkStage),
              gauge('forwarder_lag_records', forwardStage),
            ],
          },
          {
            id: 'oldest',
            unit: 'seconds',
            of: [
              gauge('collector_ring_age_seconds', collectorStage, max),
              gauge('bus_lag_seconds', 'group', max),
              gauge('uploader_lag_seconds', sinkStage, max),
              gauge('forwarder_lag_seconds', forwardStage, max),
            ],
            limit: LAG,
          },
        ],
      },
      {
        id: 'bus',
        rows: [gauge('bus_up', pod)],
        note: service,
        columns: [
          { id: 'up', unit: 'isUp', of: [gauge('bus_up', pod, { over: 'min' })], limit: down('BusbarBusDown') },
          { id: 'notDurable', unit: 'bytes', of: [gauge('bus_waiting_bytes', pod)] },
        ],
      },
    ],
  },
  {
    id: 'uploads',
    tables: [
      {
        id: 'sinks',
        rows: [gauge('uploader_sink_up', 'sink')],
        columns: [
          { id: 'up', unit: 'isUp', of: [gauge('uploader_sink_up', 'sink', max)], limit: down('BusbarSinkDown') },
          { id: 'backlog', unit: 'count', of: [gauge('uploader_lag_records', 'sink')] },
          { id: 'oldest', unit: 'seconds', of: [gauge('uploader_lag_seconds', 'sink', max)], limit: BACKLOG },
          ...(['acknowledged', 'refused', 'skipped'] as const).map((outcome) => ({
            id: outcome,
            unit: 'perSecond' as const,
            of: [rate('uploader_values_total', 'sink', { where: { outcome } })],
            ...(outcome === 'refused' ? { limit: REFUSED } : {}),
          })),
          { id: 'sinceAcknowledged', unit: 'seconds', of: [age('uploader_acknowledged_timestamp_seconds', 'sink')] },
        ],
      },
    ],
  },
  {
    id: 'forwarding',
    tables: [
      {
        id: 'servers',
        rows: [gauge('forwarder_lag_records', 'connection')],
        columns: [
          { id: 'masters', unit: 'count', of: [gauge('forwarder_clients', 'connection')] },
          {
            id: 'oldest',
            unit: 'seconds',
            of: [gauge('forwarder_lag_seconds', 'connection', max)],
            limit: FORWARD_LAG,
          },
          { id: 'queue', unit: 'count', of: [gauge('forwarder_queue_events', 'connection')] },
          { id: 'dropped', unit: 'count', of: [increase('forwarder_queue_dropped', 'connection')], limit: QUEUE },
          { id: 'requests', unit: 'perSecond', of: [rate('forwarder_requests_total', 'connection')] },
        ],
      },
      {
        id: 'requests',
        rows: [increase('forwarder_requests_total', asked)],
        columns: [
          { id: 'now', unit: 'perSecond', of: [rate('forwarder_requests_total', asked)] },
          { id: 'quarter', unit: 'count', of: [increase('forwarder_requests_total', asked)] },
        ],
      },
      {
        id: 'refusals',
        rows: [increase('forwarder_clients_refused_total', refusal)],
        columns: [
          { id: 'quarter', unit: 'count', of: [increase('forwarder_clients_refused_total', refusal)], limit: MASTER },
        ],
      },
    ],
  },
  {
    id: 'control',
    tables: [
      {
        id: 'ends',
        rows: [increase('arbiter_ends_total', end)],
        columns: [{ id: 'quarter', unit: 'count', of: [increase('arbiter_ends_total', end)], limit: ofEnd }],
      },
      {
        id: 'executions',
        rows: [increase('collector_control_total', 'event')],
        columns: [{ id: 'quarter', unit: 'count', of: [increase('collector_control_total', 'event')] }],
      },
    ],
  },
  {
    id: 'resources',
    tables: [
      {
        id: 'processes',
        rows: [gauge('process_resident_memory_bytes', pod)],
        note: service,
        columns: [
          { id: 'processor', unit: 'cores', of: [rate('process_cpu_seconds_total', pod)] },
          { id: 'memory', unit: 'bytes', of: [gauge('process_resident_memory_bytes', pod)] },
          { id: 'heap', unit: 'bytes', of: [gauge('nodejs_heap_size_used_bytes', pod)] },
          {
            id: 'eventLoop',
            unit: 'seconds',
            of: [gauge('nodejs_eventloop_lag_p99_seconds', pod, max)],
            limit: SLOW,
          },
          { id: 'ring', unit: 'bytes', of: [gauge('collector_ring_bytes', pod)] },
        ],
      },
      {
        id: 'api',
        rows: [increase('api_requests_total', 'status')],
        columns: [
          { id: 'now', unit: 'perSecond', of: [rate('api_requests_total', 'status')] },
          { id: 'quarter', unit: 'count', of: [increase('api_requests_total', 'status')] },
        ],
      },
    ],
  },
];

function service({ '@service': name }: Labels): string | null {
  return name ?? null;
}

/** Rows of times, from the histograms of the arbiter and of the API. */
export const LATENCIES: readonly { readonly id: string; readonly group: string; readonly histogram: string }[] = [
  { id: 'decision', group: 'control', histogram: 'arbiter_decision_seconds' },
  { id: 'end', group: 'control', histogram: 'arbiter_end_seconds' },
  { id: 'answer', group: 'resources', histogram: 'api_request_seconds' },
];
