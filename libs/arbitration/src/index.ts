export { type Admission, admit } from './admit.js';
export type { Context } from './check.js';
export { earlierOf, expiryOf, isPast, makeDeadline, type Now, remainingMs } from './deadline.js';
export { type Decision, decide } from './decide.js';
export { type ControlDirectory, type ControlPoint, isSwitched, type WriteRefusal } from './directory.js';
export { priorityOf } from './priority.js';
export { type ControlHistory, replay } from './replay.js';
export {
  type ControlEvent,
  type ControlState,
  type Effect,
  emptyState,
  type HoldChange,
  LIMITS,
  type OpenPhase,
  type OpenRequest,
  type Selection,
  type SelectionChange,
} from './state.js';
