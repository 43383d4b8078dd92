export class ModbusConnector {}
export type DataPoint = 1;
export const setPoint = 1;
export const licenceKey = 1;
export const tagGroup = 1;
export const pollGroup = 1;
