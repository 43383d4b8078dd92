import type { ErrorEntry } from '../catalog.js';

export const BUS_ERRORS = {
  BUS_UNREACHABLE: {
    sentence: 'No Kafka broker answers at {brokers}.',
    fix: 'Start the broker, or correct BUSBAR_KAFKA_BROKERS or BUSBAR_KAFKA_TLS; collection goes on meanwhile.',
    retry: 'retry',
  },
  BUS_REFUSED: {
    sentence: 'Kafka at {brokers} does not let Busbar in: {reason}.',
    fix: 'Correct the certificates, the user or the password that the settings BUSBAR_KAFKA_TLS and BUSBAR_KAFKA_SASL_MECHANISM call for; files are read anew at each attempt.',
    retry: 'retry',
  },
  BUS_FULL: {
    sentence: 'The bus took no record of {topic}: {waitingBytes} octets wait already.',
    fix: 'The caller keeps or drops and counts; look why the log is slow or the broker away.',
    retry: 'retry',
  },
  BUS_CLOSED: {
    sentence: 'The bus is closed; {topic} took nothing.',
    fix: 'The process is stopping; start it again.',
    retry: 'defect',
  },
  LOG_DISK_FULL: {
    sentence: 'The event log in {path} cannot grow: {reason}.',
    fix: 'Free space on that volume, or lower the retention.',
    retry: 'fix',
  },
  LOG_RECORD_DAMAGED: {
    sentence: 'Records {from} to {to} of {topic} are damaged and were not delivered.',
    fix: 'Check the disk; values of that time are missing.',
    retry: 'fix',
  },
  LOG_DAMAGED: {
    sentence: 'The event log was damaged and set aside as {path}; values from {from} to {to} may be missing.',
    fix: 'Check the disk; configuration and collection went on with a new log.',
    retry: 'fix',
  },
  LOG_LOCKED: {
    sentence: 'The data folder {path} is in use by process {pid}.',
    fix: 'Stop that process, or give this one another folder by BUSBAR_DATA.',
    retry: 'fix',
  },
  TOPIC_SHAPE: {
    sentence: 'Topic {topic} has {actual} partitions, {wanted} are wanted.',
    fix: 'Create the topic anew, or use another broker; partitions must not change while keys rest on them.',
    retry: 'fix',
  },
  HANDLER_FAILED: {
    sentence: 'A handler of {topic} in group {group} failed: {reason}.',
    fix: 'It is tried again; if it goes on, look at the log of the service.',
    retry: 'retry',
  },
  RECORD_REFUSED: {
    sentence: 'A record of {topic} can never be processed: {reason}.',
    fix: 'It stands in deadletters.recorded; look who wrote it.',
    retry: 'defect',
  },
  BATCH_MALFORMED: {
    sentence: 'A sample batch is malformed: {reason}.',
    fix: 'Update the older of the two services, or look who writes to this topic.',
    retry: 'defect',
  },
} as const satisfies Record<string, ErrorEntry>;
