import net from 'node:net';
export { net };
