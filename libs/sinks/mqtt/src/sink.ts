import { defineSink } from '@busbar/sink-sdk';
import { type MqttConfig, mqttConfigSchema, mqttIdentitySchema } from './config.js';
import { MqttSession } from './session.js';

const mqttSink = defineSink<MqttConfig, MqttSession>({
  id: 'mqtt',
  version: '0.1.0',
  title: 'MQTT broker',
  summary: 'Publishes the values of each asset as JSON to a topic of a broker.',
  stability: 'beta',
  config: mqttConfigSchema,
  identity: mqttIdentitySchema,
  connect: (context, signal) => MqttSession.open(context, signal),
  close: (session) => session.close(),
  send: (session, messages, signal) => session.send(messages, signal),
});

export default mqttSink;
