import type { ErrorEntry } from '../catalog.js';

/** What is wrong with what a package forwards, and with its addresses. */
export const FORWARD_ERRORS = {
  FORWARD_EMPTY: {
    sentence: 'Forwarding connection {connection} offers no points: a server with nothing behind it would deceive.',
    fix: 'Give it assets with forwarding templates, or remove it.',
    retry: 'fix',
  },
  FORWARD_INDEX: {
    sentence: '{a} and {b} have index {index}.',
    fix: 'Change one.',
    retry: 'fix',
  },
  FORWARD_STATION: {
    sentence: '{asset} has no station: {reason}.',
    fix: '{remedy}.',
    retry: 'fix',
  },
  FORWARD_TEMPLATE: {
    sentence: '{template} is for model {model}; {asset} is of model {other}.',
    fix: 'Use another forwarding template.',
    retry: 'fix',
  },
  FORWARD_TYPE: {
    sentence: '{point} cannot be {type}.',
    fix: 'Write {types}.',
    retry: 'fix',
  },
  FORWARD_PRECISION: {
    sentence: '{point} as {type} is not exact beyond 16,777,216.',
    fix: 'Scale it, or send it as another type.',
    retry: 'fix',
  },
  FORWARD_DEADBAND: {
    sentence: 'The deadband of {point} is a share of its range, and it has none.',
    fix: 'Give the point a `range`, or the deadband as a number.',
    retry: 'fix',
  },
  FORWARD_PLACE: {
    sentence: '{point} cannot be placed: {reason}.',
    fix: 'Correct the forwarding template, or the settings of the addresses.',
    retry: 'fix',
  },
  FORWARD_SPACE: {
    sentence: '{class} needs {need} addresses from {start} on in station {station}; after {room} comes {next}.',
    fix: 'Give other `starts`, or use several {name}.',
    retry: 'fix',
  },
  FORWARD_TAIL: {
    sentence: '{asset} has index {index} and came later: its addresses stand behind those that are in use.',
    fix: 'Leave it so, or renumber when the third party agrees.',
    retry: 'fix',
  },
  FORWARD_MOVED: {
    sentence: '{count} addresses of {server} move, the first is {first}.',
    fix: 'Tell the third party, or undo the change.',
    retry: 'fix',
  },
  FORWARD_CONTROL: {
    sentence: '{point} is offered for control by {server}, but its policy {policy} does not list {source}.',
    fix: 'List it, or write `control: false` in the row.',
    retry: 'fix',
  },
} as const satisfies Record<string, ErrorEntry>;
