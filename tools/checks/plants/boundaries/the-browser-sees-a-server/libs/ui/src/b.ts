import fastify from 'fastify';
export { fastify };
