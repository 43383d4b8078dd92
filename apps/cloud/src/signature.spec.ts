import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptedDigests, isSignature, parseClientId } from './signature.js';

const device = { productKey: 'pk1', deviceKey: 'dk1', timestamp: '1524448722000' };
const sub = { productKey: 'pk2', deviceKey: 'sd1', timestamp: '1524448722000' };

/** Vectors of the EnOS device protocol (section 2.1 of the reference): name, method, fields, secret, digest. */
const VECTORS: readonly (readonly [string, string, Readonly<Record<string, string>>, string, string])[] = [
  [
    'sha256',
    'sha256',
    { ...device, clientId: 'dk1' },
    'ds1',
    '46790e2d15959901f1d8863d3239a40759506065571de83b63764417c9dd74e6',
  ],
  ['sha1', 'sha1', { ...device, clientId: 'dk1' }, 'ds1', '54E055C110093F87E5D6036ECFDD83A0BA24A614'],
  ['md5', 'md5', { ...device, clientId: 'dk1' }, 'ds1', 'f4f7cff44b2b375edab8bc2bb4b8eec5'],
  ['hmacsha1 as NODE', 'hmacsha1', { ...device, clientId: 'dk1' }, 'ds1', '816A0ECA43798CEB7423E60D350946A2435A08E5'],
  ['hmacsha1 as JAVA', 'hmacsha1', { ...device, clientId: 'dk1' }, 'ds1', '54E055C110093F87E5D6036ECFDD83A0BA24A614'],
  [
    'hmacsha256 as PY',
    'HmacSha256',
    { ...device, clientId: 'dk1' },
    'ds1',
    '46790e2d15959901f1d8863d3239a40759506065571de83b63764417c9dd74e6',
  ],
  [
    'JAVA suffix',
    'sha256',
    { ...device, clientId: 'dk1{ip=10.0.0.5,version=2.2.16,compress=DEFAULT}' },
    'ds1',
    'c00607a89535db57b9d8564a627c7b07b06c72b51d3019707cc318295d303739',
  ],
  [
    'CSDK',
    'sha256',
    { ...device, clientId: 'pk1.dk1', timestamp: '2524608000000' },
    'ds1',
    '1ab252d655c1ea656d3bbea8ce9f74cb4b47f940f0b242932cae98e40700eba0',
  ],
  [
    'dynamic activation',
    'sha256',
    { ...device, clientId: 'dk1' },
    'ps1',
    'eba2a779c624d326d7d6a2f1523af5667ededaba051f84636934076c9559369a',
  ],
  [
    'message integration',
    'sha256',
    { ...device, deviceKey: '%channel%', clientId: 'pk1' },
    'ps1',
    '892fc2c8c48ade0a3c9735aee715de1cc545f399736f03dea2d300b530c2d2f8',
  ],
  [
    'virtual gateway',
    'sha256',
    { ...device, productKey: '%VIRT_GATEWAY%', deviceKey: 'org1', clientId: 'org1' },
    '*',
    '707ec58fd5cdb57d3c2e66b2b592b915111e852a7769116093db94fa2b36fb1a',
  ],
  [
    'HTTP, 300000',
    'sha256',
    { deviceKey: 'dk1', productKey: 'pk1', lifetime: '300000', signMethod: 'sha256' },
    'ds1',
    '0bd2727328e5ea90474fc86783858a3d492ce228191694e9e17211a9357b0642',
  ],
  [
    'HTTP, 60000',
    'sha256',
    { deviceKey: 'dk1', productKey: 'pk1', lifetime: '60000', signMethod: 'sha256' },
    'ds1',
    'bc70a4a8ac2268a104fa938a0cda5349a512d93a8400ef119ac2ad9f1e2c9b02',
  ],
  [
    'sub-device, NODE single',
    'sha256',
    { ...sub, clientId: 'sd1' },
    'ss1',
    '1d5baafcec83977e109188f6e9badc8f00b729ebbef69eb77e53d38c265856ce',
  ],
  [
    'sub-device, JAVA single',
    'sha256',
    { ...sub, clientId: 'pk2.sd1.1524448722000' },
    'ss1',
    '6489cd48e3d0055861f4966d5bb2b8b867ddae03158e2b096a1b63af7dbc175e',
  ],
  [
    'sub-device, NODE batch',
    'sha256',
    { ...sub, clientId: 'pk1' },
    'ss1',
    '1e80099eb1633cf2ba61e1859d659c125164a34c4ec56dd45e68b076c8da8569',
  ],
  [
    'sub-device, JAVA batch',
    'sha256',
    { ...sub, clientId: 'login.batch' },
    'ss1',
    'b84984e477f3ccc9a91c3bb682dcfacdc918998659125b5d1f570a758c1c463c',
  ],
];

describe('signatures', () => {
  it.each(VECTORS)('agree with the vector %s', (_name, method, fields, secret, digest) => {
    expect(isSignature(digest, acceptedDigests(method, fields, secret))).toBe(true);
  });

  it('are compared without regard to case, and only whole', () => {
    const accepted = acceptedDigests('sha256', { ...device, clientId: 'dk1' }, 'ds1');
    const [digest] = accepted as [string];
    expect(isSignature(digest.toUpperCase(), accepted)).toBe(true);
    expect(isSignature(digest.slice(0, -1), accepted)).toBe(false);
    expect(isSignature(`${digest}0`, accepted)).toBe(false);
    expect(isSignature('', accepted)).toBe(false);
    expect(isSignature('', acceptedDigests('sha512', {}, 'ds1'))).toBe(false);
  });
});

describe('the MQTT client id', () => {
  it('is split at the first bar, and only then at commas', () => {
    expect(parseClientId('dk1{ip=10.0.0.5,version=2.2.16}|securemode=2, signmethod=sha256, timestamp=17|')).toEqual({
      cid: 'dk1{ip=10.0.0.5,version=2.2.16}',
      securemode: '2',
      signmethod: 'sha256',
      timestamp: '17',
    });
  });

  it('keeps a timestamp that is no integer as text', () => {
    expect(parseClientId('a|securemode=2,timestamp=1795394986716.341|')?.timestamp).toBe('1795394986716.341');
  });

  it('means SHA-1 when it names no method', () => {
    expect(parseClientId('a|securemode=2,timestamp=1|')?.signmethod).toBe('sha1');
  });

  it('never makes the parser throw', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseClientId(text)));
    expect(parseClientId('no bar')).toBeUndefined();
    expect(parseClientId('|')).toBeUndefined();
  });
});
