import '@busbar/bus';
export const env = process.env;
