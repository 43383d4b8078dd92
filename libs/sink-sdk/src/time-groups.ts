import type { SinkMessage } from './sink.js';

/** Values of one message that share a source time, no point twice. */
export interface TimeGroup {
  /** Epoch ms, source time. */
  readonly timeMs: number;
  /** Indexes into the columns of the batch, in the order of the message. */
  readonly indexes: ArrayLike<number>;
}

export interface TimeGroups {
  /** In the order in which their first values stand in the message; a point's own values keep their order. */
  readonly groups: readonly TimeGroup[];
  /** Values whose handle is no point of the model: they cannot be worded. */
  readonly unknown: number;
}

/** Splits what is selected by source time. One time and ascending handles, the usual case, is not copied. */
export function timeGroups(message: SinkMessage): TimeGroups {
  const { batch, selected, points } = message;
  const n = selected.length;
  if (n === 0) return { groups: [], unknown: 0 };
  const { dt, handles } = batch;
  const first = dt[selected[0] as number] as number;
  let last = -1;
  for (let i = 0; i < n; i++) {
    const at = selected[i] as number;
    const handle = handles[at] as number;
    if (dt[at] !== first || handle <= last || points[handle] === undefined) return splitByTime(message);
    last = handle;
  }
  return { groups: [{ timeMs: batch.baseMs + first, indexes: selected }], unknown: 0 };
}

interface OpenGroup {
  readonly number: number;
  readonly dt: number;
  readonly indexes: number[];
}

function splitByTime(message: SinkMessage): TimeGroups {
  const { batch, selected, points } = message;
  const groups: OpenGroup[] = [];
  const newest = new Map<number, OpenGroup>();
  const lastGroup = new Map<number, number>();
  let unknown = 0;
  for (let i = 0; i < selected.length; i++) {
    const at = selected[i] as number;
    const handle = batch.handles[at] as number;
    if (points[handle] === undefined) {
      unknown++;
      continue;
    }
    const dt = batch.dt[at] as number;
    let group = newest.get(dt);
    // A point goes only into a group behind its last one: neither twice into one object nor back in order.
    if (!group || group.number <= (lastGroup.get(handle) ?? -1)) {
      group = { number: groups.length, dt, indexes: [] };
      groups.push(group);
      newest.set(dt, group);
    }
    group.indexes.push(at);
    lastGroup.set(handle, group.number);
  }
  return { groups: groups.map(({ dt, indexes }) => ({ timeMs: batch.baseMs + dt, indexes })), unknown };
}
