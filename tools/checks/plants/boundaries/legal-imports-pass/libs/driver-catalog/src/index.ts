export const D = { one: () => import('@busbar/driver-one') };
