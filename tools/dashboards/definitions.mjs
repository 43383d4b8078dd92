// The dashboards of the chart, as plain data. `node tools/generate.mjs` writes charts/busbar/dashboards from them.
import { figure, lines, quantile, rate } from './panels.mjs';

const STAGES = [
  ['sum(rate(collector_values_total{$scope}[$__rate_interval]))', 'collector'],
  ['sum(rate(mapper_values_total{$scope}[$__rate_interval]))', 'mapper'],
  [rate('uploader_values_total{$scope,outcome="acknowledged"}', 'sink'), 'uploader {{sink}}'],
];

const AGES = [
  ['max(collector_ring_age_seconds{$scope})', 'collector'],
  ['max by (group) (bus_lag_seconds{$scope})', '{{group}}'],
  ['max by (sink) (uploader_lag_seconds{$scope})', 'uploader {{sink}}'],
  ['max by (connection) (forwarder_lag_seconds{$scope})', 'forwarder {{connection}}'],
];

const SITE = {
  file: 'site-overview',
  title: 'Busbar: site',
  description: 'Whether a site is well, on one page.',
  rows: [
    {
      title: 'Now',
      panels: [
        figure('Services up', 'sum(up{$scope})'),
        figure('Services down', 'count(up{$scope}) - sum(up{$scope})', { alarm: 1 }),
        figure('Connections up', 'sum(collector_connection_up{$scope})'),
        figure('Connections down', 'count(collector_connection_up{$scope}) - sum(collector_connection_up{$scope})', {
          alarm: 1,
        }),
        figure('Devices that do not answer', 'sum(collector_devices{$scope,state="degraded"})', { alarm: 1 }),
        figure('Sinks that take values', 'sum(uploader_sink_up{$scope})'),
        figure('Masters connected', 'sum(forwarder_clients{$scope})'),
        figure('Oldest value on its way', 'max(uploader_lag_seconds{$scope})', { unit: 's', alarm: 60 }),
        figure('Values dropped, last hour', 'sum(increase(collector_dropped_values_total{$scope}[1h]))', { alarm: 1 }),
        figure('Commands, last day', 'sum(increase(arbiter_grants_total{$scope}[1d]))'),
        figure('Commands with unknown end, last day', 'sum(increase(arbiter_ends_total{$scope,end="unknown"}[1d]))', {
          alarm: 1,
        }),
        figure('License', 'max by (state) (licenser_state{$scope}) == 1', { legend: '{{state}}', text: 'name' }),
      ],
    },
    {
      title: 'Values',
      panels: [
        lines('Values per second, by stage', STAGES, { unit: 'cps' }),
        lines('Age of the oldest value, by stage', AGES, { unit: 's' }),
        lines('Tags, by quality', [['sum by (quality) (collector_tags{$scope})', '{{quality}}']]),
        lines('Errors of connections, by kind', [[rate('collector_errors_total{$scope}', 'kind'), '{{kind}}']], {
          unit: 'cps',
        }),
      ],
    },
  ],
};

const COLLECTION = {
  file: 'collection',
  title: 'Busbar: collection',
  description: 'Access connections by protocol: scan load, late scans, errors, devices that do not answer.',
  variables: ['protocol', 'connection'],
  rows: [
    {
      title: 'Load',
      panels: [
        lines('Scan load', [['max by (connection, protocol) (collector_scan_load{$lines})', '{{connection}}']], {
          unit: 'percentunit',
          most: 1,
          what: 'Share of the time spent waiting for the devices. Near 1 the connection cannot scan faster.',
        }),
        lines(
          'Scan load, by workload',
          [
            ['avg by (busbar_io_workload) (collector_scan_load{$lines})', 'mean {{busbar_io_workload}}'],
            ['max by (busbar_io_workload) (collector_scan_load{$lines})', 'highest {{busbar_io_workload}}'],
          ],
          { unit: 'percentunit', most: 1 },
        ),
        lines('Late scans', [[rate('collector_late_scans_total{$lines}', 'connection'), '{{connection}}']], {
          unit: 'cps',
          what: 'Scans that were due while the one before had not ended.',
        }),
        lines('Values collected, by pod', [[rate('collector_values_total{$scope}', 'pod'), '{{pod}}']], {
          unit: 'cps',
        }),
      ],
    },
    {
      title: 'Health',
      panels: [
        lines(
          'Connections that answer',
          [['max by (connection) (collector_connection_up{$lines})', '{{connection}}']],
          {
            most: 1,
          },
        ),
        lines('Devices, by state', [['sum by (state) (collector_devices{$lines})', '{{state}}']]),
        lines('Devices that do not answer', [
          ['sum by (connection) (collector_devices{$lines,state="degraded"})', '{{connection}}'],
        ]),
        lines('Tags that are not good', [
          ['sum by (connection) (collector_tags{$lines,quality="other"})', '{{connection}}'],
        ]),
      ],
    },
    {
      title: 'Errors',
      panels: [
        lines('Errors, by kind', [[rate('collector_errors_total{$lines}', 'kind'), '{{kind}}']], { unit: 'cps' }),
        lines('Errors, by connection', [[rate('collector_errors_total{$lines}', 'connection'), '{{connection}}']], {
          unit: 'cps',
        }),
        lines('Errors, by protocol', [[rate('collector_errors_total{$lines}', 'protocol'), '{{protocol}}']], {
          unit: 'cps',
        }),
        lines('Waiting for the bus', [['sum by (pod) (collector_ring_bytes{$scope})', '{{pod}}']], { unit: 'bytes' }),
      ],
    },
  ],
};

const PIPELINE = {
  file: 'pipeline',
  title: 'Busbar: pipeline',
  description: 'From the collector by the mapper to the uploader: rate, lag and age.',
  rows: [
    {
      title: 'Flow',
      panels: [
        lines('Values per second, by stage', STAGES, { unit: 'cps' }),
        lines('Age of the oldest value, by stage', AGES, { unit: 's' }),
        lines('Records that wait', [
          ['sum by (group) (bus_lag_records{$scope})', '{{group}}'],
          ['sum by (sink) (uploader_lag_records{$scope})', 'uploader {{sink}}'],
          ['sum by (connection) (forwarder_lag_records{$scope})', 'forwarder {{connection}}'],
        ]),
        lines(
          'Values lost or left aside',
          [
            ['sum(rate(collector_dropped_values_total{$scope}[$__rate_interval]))', 'dropped by the collector'],
            ['sum(rate(mapper_unmapped_values_total{$scope}[$__rate_interval]))', 'of devices not configured'],
            ['sum(rate(uploader_values_total{$scope,outcome="refused"}[$__rate_interval]))', 'refused by a sink'],
          ],
          { unit: 'cps' },
        ),
      ],
    },
    {
      title: 'Bus',
      panels: [
        lines(
          'Bus, as each service sees it',
          [['min by (app_kubernetes_io_component) (bus_up{$scope})', '{{app_kubernetes_io_component}}']],
          { most: 1 },
        ),
        lines(
          'Not durable yet',
          [
            ['sum by (app_kubernetes_io_component) (bus_waiting_bytes{$scope})', '{{app_kubernetes_io_component}}'],
            ['sum(collector_ring_bytes{$scope})', 'before the bus'],
          ],
          { unit: 'bytes' },
        ),
      ],
    },
  ],
};

const UPLOADS = {
  file: 'uploads',
  title: 'Busbar: uploads',
  description: 'Sinks: what waits, what they acknowledged and what they refused.',
  rows: [
    {
      title: 'Sinks',
      panels: [
        lines('Takes values', [['max by (sink) (uploader_sink_up{$scope})', '{{sink}}']], { most: 1 }),
        lines(
          'Since the last acknowledgment',
          [['time() - max by (sink) (uploader_acknowledged_timestamp_seconds{$scope})', '{{sink}}']],
          { unit: 's' },
        ),
        lines('Backlog', [['sum by (sink) (uploader_lag_records{$scope})', '{{sink}}']], {
          what: 'Records on the bus that wait for the sink.',
        }),
        lines('Age of the backlog', [['max by (sink) (uploader_lag_seconds{$scope})', '{{sink}}']], { unit: 's' }),
      ],
    },
    {
      title: 'Values',
      panels: ['acknowledged', 'refused', 'skipped'].map((outcome) =>
        lines(`Values ${outcome}`, [[rate(`uploader_values_total{$scope,outcome="${outcome}"}`, 'sink'), '{{sink}}']], {
          unit: 'cps',
          width: 8,
        }),
      ),
    },
  ],
};

const FORWARDING = {
  file: 'forwarding',
  title: 'Busbar: forwarding',
  description: 'Third parties: masters, their requests, what waits for them.',
  rows: [
    {
      title: 'Masters',
      panels: [
        lines('Masters connected', [['sum by (connection) (forwarder_clients{$scope})', '{{connection}}']]),
        lines('Requests, by connection', [[rate('forwarder_requests_total{$scope}', 'connection'), '{{connection}}']], {
          unit: 'cps',
        }),
        lines(
          'Requests, by function and answer',
          [[rate('forwarder_requests_total{$scope}', 'function, answer'), '{{function}} {{answer}}']],
          { unit: 'cps' },
        ),
        lines(
          'Refused, by why',
          [[rate('forwarder_clients_refused_total{$scope}', 'connection, why'), '{{connection}} {{why}}']],
          { unit: 'cps' },
        ),
      ],
    },
    {
      title: 'Events',
      panels: [
        lines('Queue', [['sum by (connection) (forwarder_queue_events{$scope})', '{{connection}}']], {
          what: 'Events that no master has taken yet.',
        }),
        lines('Dropped since the start', [['sum by (connection) (forwarder_queue_dropped{$scope})', '{{connection}}']]),
      ],
    },
  ],
};

const CONTROL = {
  file: 'control',
  title: 'Busbar: control',
  description: 'Commands: how they ended and why, and how long they took.',
  rows: [
    {
      title: 'Requests',
      panels: [
        figure('Arbiters in office', 'sum(arbiter_in_office{$scope})', { what: 'One, and never two for long.' }),
        figure('Granted, last day', 'sum(increase(arbiter_grants_total{$scope}[1d]))'),
        figure('Refused, last day', 'sum(increase(arbiter_ends_total{$scope,end="refused"}[1d]))'),
        figure('Unknown end, last day', 'sum(increase(arbiter_ends_total{$scope,end="unknown"}[1d]))', { alarm: 1 }),
      ],
    },
    {
      title: 'Ends',
      panels: [
        lines('Ends, by outcome', [[rate('arbiter_ends_total{$scope}', 'end'), '{{end}}']], { unit: 'cps' }),
        lines(
          'Refused, by rule',
          [[`topk(8, ${rate('arbiter_ends_total{$scope,end="refused"}', 'reason')})`, '{{reason}}']],
          { unit: 'cps' },
        ),
        lines(
          'Failed, expired or unknown, by reason',
          [
            [
              `topk(8, ${rate('arbiter_ends_total{$scope,end=~"failed|expired|unknown"}', 'end, reason')})`,
              '{{end}} {{reason}}',
            ],
          ],
          { unit: 'cps' },
        ),
        lines('At the collectors', [[rate('collector_control_total{$scope}', 'event'), '{{event}}']], {
          unit: 'cps',
          what: 'Writes, grants fenced off because they were no longer theirs, outcomes that nobody knows.',
        }),
      ],
    },
    {
      title: 'Latency',
      panels: [
        lines(
          'From the entry to the decision',
          [0.5, 0.95, 0.99].map((q) => [quantile(q, 'arbiter_decision_seconds_bucket{$scope}'), `p${q * 100}`]),
          { unit: 's' },
        ),
        lines(
          'From the entry to the end',
          [0.5, 0.95, 0.99].map((q) => [quantile(q, 'arbiter_end_seconds_bucket{$scope}'), `p${q * 100}`]),
          { unit: 's', what: 'Of granted requests; with feedback it is part of it.' },
        ),
      ],
    },
  ],
};

const RESOURCES = {
  file: 'resources',
  title: 'Busbar: resources',
  description: 'Processor, memory and event loop of every pod, and the API.',
  rows: [
    {
      title: 'Pods',
      panels: [
        lines('Processor', [[rate('process_cpu_seconds_total{$scope}', 'pod'), '{{pod}}']], {
          what: 'Cores used.',
        }),
        lines('Memory', [['sum by (pod) (process_resident_memory_bytes{$scope})', '{{pod}}']], { unit: 'bytes' }),
        lines('Heap', [['sum by (pod) (nodejs_heap_size_used_bytes{$scope})', '{{pod}}']], { unit: 'bytes' }),
        lines('Event loop delay, p99', [['max by (pod) (nodejs_eventloop_lag_p99_seconds{$scope})', '{{pod}}']], {
          unit: 's',
        }),
        lines('Garbage collection', [[rate('nodejs_gc_duration_seconds_sum{$scope}', 'pod'), '{{pod}}']], {
          unit: 'percentunit',
          what: 'Share of the time.',
        }),
        lines('Open files and sockets', [['sum by (pod) (process_open_fds{$scope})', '{{pod}}']]),
        lines('Time since the start', [['time() - max by (pod) (process_start_time_seconds{$scope})', '{{pod}}']], {
          unit: 's',
        }),
      ],
    },
    {
      title: 'API',
      panels: [
        lines('Requests, by status', [[rate('api_requests_total{$scope}', 'status'), '{{status}}']], { unit: 'cps' }),
        lines('Time to the answer, p95', [[quantile(0.95, 'api_request_seconds_bucket{$scope}'), 'p95']], {
          unit: 's',
        }),
        lines('Live sockets', [['sum(api_live_clients{$scope})', 'sockets']]),
      ],
    },
  ],
};

export const DASHBOARDS = [SITE, COLLECTION, PIPELINE, UPLOADS, FORWARDING, CONTROL, RESOURCES];
