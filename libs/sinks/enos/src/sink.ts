import { defineSink } from '@busbar/sink-sdk';
import { type EnosConfig, enosConfigSchema, enosIdentitySchema } from './config.js';
import { sendFile } from './files/send-file.js';
import { EnosSession } from './session.js';

const enosSink = defineSink<EnosConfig, EnosSession>({
  id: 'enos',
  version: '0.1.0',
  title: 'EnOS Cloud',
  summary: 'Sends the values of each asset to EnOS over its device protocol, and takes commands from there.',
  stability: 'beta',
  config: enosConfigSchema,
  identity: enosIdentitySchema,
  connect: (context, signal) => EnosSession.open(context, signal),
  close: (session) => session.close(),
  send: (session, messages, signal) => session.send(messages, signal),
  sendFile,
});

export default enosSink;
