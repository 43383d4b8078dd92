import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowed, isAddressBlock } from './allowed.js';
import type { ServerClientConfig } from './server.js';

function client(name: string, ...addresses: string[]): ServerClientConfig {
  return { name, addresses, group: name, control: false };
}
const nameOf = (address: string, ...clients: ServerClientConfig[]) => allowed(address, clients)?.name;

describe('who may connect', () => {
  it.each([
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['10.1.2.3', '::ffff:10.1.2.3'],
    ['10.1.2.3', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.2/31'],
    ['10.1.2.3', '0.0.0.0/0'],
    ['::ffff:a01:203', '10.1.0.0/16'],
    ['10.1.2.3', '::ffff:10.0.0.0/104'],
    ['2001:db8::1', '2001:db8::/32'],
    ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::/10'],
    ['::1', '::1/128'],
    ['::1', '::/0'],
  ])('%s is within %s', (address, block) => {
    expect(nameOf(address, client('a', block))).toBe('a');
  });

  it.each([
    ['10.1.2.3', '10.1.2.4'],
    ['10.1.2.3', '10.1.2.4/31'],
    ['11.0.0.0', '10.0.0.0/8'],
    ['10.1.2.3', '::/0'],
    ['::1', '0.0.0.0/0'],
    ['2001:db9::1', '2001:db8::/32'],
    ['10.1.2.3', '10.1.2.3/33'],
    ['10.1.2.3', 'master'],
    ['master', '0.0.0.0/0'],
    ['', '0.0.0.0/0'],
  ])('%s is not within %s', (address, block) => {
    expect(nameOf(address, client('a', block))).toBeUndefined();
  });

  it('is nobody where nobody is listed, anybody where a client has no addresses', () => {
    expect(nameOf('10.1.2.3')).toBeUndefined();
    expect(nameOf('10.1.2.3', client('any'))).toBe('any');
    expect(nameOf('::1', client('any'))).toBe('any');
  });

  it('is the client of the narrowest block, of equal ones the first', () => {
    const clients = [
      client('any'),
      client('site', '10.0.0.0/8'),
      client('ems', '10.1.2.3'),
      client('twin', '10.1.2.3'),
    ];
    expect(nameOf('10.1.2.3', ...clients)).toBe('ems');
    expect(nameOf('10.1.2.4', ...clients)).toBe('site');
    expect(nameOf('192.168.0.1', ...clients)).toBe('any');
  });

  it.each([
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '1.2.3.4/',
    '1.2.3.4/x',
    '1.2.3.4/8/8',
    ':::',
    '1::2::3',
    '12345::',
    'g::',
    '1:2:3:4:5:6:7',
    '::1/129',
  ])('does not take %j for an address', (text) => {
    expect(isAddressBlock(text)).toBe(false);
  });

  it('takes every IP address, and each is within itself', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        expect(isAddressBlock(address)).toBe(true);
        expect(nameOf(address, client('a', address))).toBe('a');
      }),
    );
  });
});
