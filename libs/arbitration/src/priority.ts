import type { ControlRequest, Origin, PolicyConfig } from '@busbar/events';

const DEFAULTS = { operator: 8, external: 9, cloud: 11, app: 14, busbar: 16 } as const satisfies Record<
  Origin['kind'],
  number
>;
const FIRST = 8;
const WEAKEST = 16;

/** 1 strongest to 16; undefined where the policy does not list the source (control.md 5.1). */
export function priorityOf(request: ControlRequest, policy: PolicyConfig): number | undefined {
  const { kind, source } = request.origin;
  let own: number | undefined = DEFAULTS[kind];
  if (policy.priority && kind !== 'busbar') {
    const place = policy.priority.findIndex((listed) => listed === kind || listed === source);
    own = place === -1 ? undefined : Math.min(FIRST + place, WEAKEST);
  }
  return own === undefined ? undefined : Math.max(own, request.priority ?? 0);
}
