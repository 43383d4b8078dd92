import net from 'node:net';
import serial from 'modbus-serial';
export const a = [net, serial];
