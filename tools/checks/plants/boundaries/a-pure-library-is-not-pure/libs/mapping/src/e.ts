export type T = import('@busbar/bus').y;
