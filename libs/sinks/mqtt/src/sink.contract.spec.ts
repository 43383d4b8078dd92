import { describeSink } from '@busbar/sink-testkit';
import { mqttTarget } from './simulator/mqtt-target.js';
import mqttSink from './sink.js';

describeSink(mqttSink, mqttTarget);
