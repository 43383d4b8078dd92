import type { ErrorEntry } from '../catalog.js';

export const LICENSE_ERRORS = {
  LICENSE_EVALUATION: {
    sentence:
      'No license is in force: this is an evaluation with at most {connections} connections, {tags} tags and {forwarding} forwarding connections.',
    fix: 'Install a license by `busbar license install`.',
    retry: 'fix',
  },
  LICENSE_GRACE: {
    sentence: 'License {license} ended at {notAfter}; everything goes on until {graceUntil}.',
    fix: 'Install a new license before then; afterwards nothing new is started.',
    retry: 'fix',
  },
  LICENSE_EXPIRED: {
    sentence: 'License {license} ended at {notAfter}, and its grace period at {graceUntil}.',
    fix: 'Install a new license; what runs goes on.',
    retry: 'fix',
  },
  LICENSE_MALFORMED: {
    sentence: 'This is no Busbar license: {reason}.',
    fix: 'Install the file as it was issued.',
    retry: 'fix',
  },
  LICENSE_ALTERED: {
    sentence: 'The signature of the license does not fit its content.',
    fix: 'Install the file as it was issued: it was changed or cut on its way.',
    retry: 'fix',
  },
  LICENSE_KEY_UNKNOWN: {
    sentence: 'The license is signed with key {key}, which is not trusted here.',
    fix: 'Ask the issuer which key it is; the file of BUSBAR_LICENSE_KEYS lists the trusted ones.',
    retry: 'fix',
  },
  LICENSE_FOREIGN: {
    sentence: 'License {license} is for site {licensed}; this is site {site}.',
    fix: 'Ask the issuer for a license of this site.',
    retry: 'fix',
  },
  LICENSE_FUTURE: {
    sentence: 'License {license} begins at {notBefore} only.',
    fix: 'It is taken by itself when its time comes; if it should have come, set the clock.',
    retry: 'fix',
  },
  LICENSE_CLOCK: {
    sentence: 'The clock is {minutes} minutes behind the time that this site has seen before.',
    fix: 'Set the clock; the license counts the later time. If that was wrong, ask the issuer for a license that resets it.',
    retry: 'fix',
  },
  LICENSE_PROTOCOL: {
    sentence: 'Connection {connection} is not started: it speaks {protocol}, and the license grants {granted}.',
    fix: 'Extend the license, or remove the connection.',
    retry: 'fix',
  },
  LICENSE_CONNECTIONS: {
    sentence: 'Connection {connection} is not started: {granted} connections are granted, {used} are in use.',
    fix: 'Remove some, or extend the license.',
    retry: 'fix',
  },
  LICENSE_TAGS: {
    sentence:
      'Connection {connection} is not started: it has {tags} tags, {granted} are granted, {used} are in use by others.',
    fix: 'Remove some, or extend the license.',
    retry: 'fix',
  },
  LICENSE_FORWARDING: {
    sentence:
      'Forwarding connection {connection} is not started: {granted} forwarding connections are granted, {used} are in use.',
    fix: 'Remove some, or extend the license.',
    retry: 'fix',
  },
  LICENSE_ENDED: {
    sentence: 'Connection {connection} is not started: it is new or has grown, and license {license} is over.',
    fix: 'Install a new license; what ran before goes on.',
    retry: 'fix',
  },
  LICENSE_EXCEEDED: {
    sentence:
      'More runs than the license grants: {connections} of {grantedConnections} connections, {tags} of {grantedTags} tags, {forwarding} of {grantedForwarding} forwarding connections; protocols {protocols} of {grantedProtocols}.',
    fix: 'What runs goes on; nothing new beyond the license is started. Remove some, or extend the license.',
    retry: 'fix',
  },
  LICENSE_UNDECIDED: {
    sentence: 'Connection {connection} is not started yet: what the license grants is not read.',
    fix: 'It starts by itself; if it does not, see why the bus is away.',
    retry: 'retry',
  },
  LICENSE_FILE: {
    sentence: 'The file {path} cannot be used: {reason}.',
    fix: 'Check path, content and access rights.',
    retry: 'fix',
  },
  LICENSE_KEYS: {
    sentence: 'The list of license keys cannot be used: {reason}.',
    fix: 'Give a JSON Web Key Set of public Ed25519 keys, as `busbar license keys` writes it.',
    retry: 'fix',
  },
} as const satisfies Record<string, ErrorEntry>;
