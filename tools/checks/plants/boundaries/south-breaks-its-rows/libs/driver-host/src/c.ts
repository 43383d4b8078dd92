import { connect } from 'node:net';
export { connect };
