export * from './address-plan.js';
export { diff, type PlanChange, type PlanDiff } from './diff.js';
export { IEC104_TYPES, type Iec104Type, type Iec104TypeName, iec104Type } from './iec104-types.js';
export { registersOf, textLength } from './modbus-types.js';
export { type Planned, plan, planDigest } from './plan.js';
export { type LineParts, lineParts, lineWidth, movesBetween, type PlanLine, planLines } from './plan-lines.js';
export * from './plan-settings.js';
export * from './point-file.js';
export * from './template.js';
