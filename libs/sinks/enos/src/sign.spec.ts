import { describe, expect, it } from 'vitest';
import { connectFields, sign } from './sign.js';

const device = { productKey: 'pk1', deviceKey: 'dk1', timestamp: '1524448722000' };

describe('the signature of a login', () => {
  // Vectors of the EnOS device protocol, section 2.1 of the reference.
  it.each([
    [
      'static',
      { ...device, clientId: 'dk1' },
      'ds1',
      '46790e2d15959901f1d8863d3239a40759506065571de83b63764417c9dd74e6',
    ],
    [
      'client id with a suffix',
      { ...device, clientId: 'dk1{ip=10.0.0.5,version=2.2.16,compress=DEFAULT}' },
      'ds1',
      'c00607a89535db57b9d8564a627c7b07b06c72b51d3019707cc318295d303739',
    ],
    [
      'sub-device with its own client id',
      { productKey: 'pk2', deviceKey: 'sd1', timestamp: device.timestamp, clientId: 'sd1' },
      'ss1',
      '1d5baafcec83977e109188f6e9badc8f00b729ebbef69eb77e53d38c265856ce',
    ],
    [
      'sub-device with the shared client id of its gateway',
      { productKey: 'pk2', deviceKey: 'sd1', timestamp: device.timestamp, clientId: 'pk1' },
      'ss1',
      '1e80099eb1633cf2ba61e1859d659c125164a34c4ec56dd45e68b076c8da8569',
    ],
  ])('agrees with the vector: %s', (_name, login, secret, expected) => {
    expect(sign(login, secret)).toBe(expected);
  });

  it('makes client id, user and password of a CONNECT', () => {
    expect(connectFields({ ...device, clientId: 'dk1' }, 'ds1')).toEqual({
      clientId: 'dk1|securemode=2,signmethod=sha256,timestamp=1524448722000|',
      username: 'dk1&pk1',
      password: '46790e2d15959901f1d8863d3239a40759506065571de83b63764417c9dd74e6',
    });
  });
});
