import type { ControlValue, PolicyConfig, Rule, TagWrite } from '@busbar/events';
import type { Access, PointType } from '@busbar/model';

/** Why a value cannot be turned into a write; `reason` is for people. */
export interface WriteRefusal {
  readonly rule: Extract<Rule, 'NOT_CONTROLLABLE' | 'TYPE' | 'RANGE'>;
  readonly reason: string;
}

/** What the configuration says about one point. */
export interface ControlPoint {
  readonly access: Access;
  readonly type: PointType;
  readonly range?: readonly [number, number];
  /** Undefined: no policy governs it, nobody may control it. */
  readonly policy?: PolicyConfig;
  /** Undefined: it is written through no connection. */
  readonly connection?: string;
  readonly isReadOnly: boolean;
  /** The writes that give the point this value, feedback filled in; none is a refusal. */
  writes(value: ControlValue): readonly TagWrite[] | WriteRefusal;
}

/** The configuration in force, as decisions need it. */
export interface ControlDirectory {
  readonly generation: number;
  point(path: string): ControlPoint | undefined;
  /** False for a sink without `control: true`, and for a source that is not configured. */
  mayCommand(source: string): boolean;
}

/** A switch is never made to wait, and blocks until its end: an operation that waited may no longer be wanted. */
export function isSwitched(point: ControlPoint): boolean {
  return point.type === 'bool' || point.type === 'enum';
}
