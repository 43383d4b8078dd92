import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceList } from './device-list.js';

describe('a list of devices in a file', () => {
  let folder: string;
  let path: string;
  let changes = 0;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'busbar-devices-'));
    path = join(folder, 'devices.json');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (content: unknown) => {
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    utimesSync(path, 1_000, 1_000 + ++changes);
  };
  const device = (deviceKey: string, more: object = {}) => ({
    productKey: 'pk',
    deviceKey,
    deviceSecret: 's',
    ...more,
  });

  it('is read again when it has changed', () => {
    write({ devices: [device('a')] });
    const list = DeviceList.fromFile(path);
    expect(list.find('pk', 'b')).toBeUndefined();
    write({ devices: [device('a'), device('b')] });
    list.refresh();
    expect(list.find('pk', 'b')?.deviceKey).toBe('b');
  });

  it('stays as it was when the new one is broken, and says what is wrong', () => {
    write({ devices: [device('a')] });
    const list = DeviceList.fromFile(path);
    write('{');
    expect(() => list.refresh()).toThrow('cannot be used');
    expect(list.find('pk', 'a')?.deviceKey).toBe('a');
  });

  it.each([
    ['no file', undefined, 'ENOENT'],
    ['a field too many', { devices: [device('a', { colour: 1 })] }, 'colour'],
    ['a key with a slash', { devices: [device('a/b')] }, 'letters'],
    ['a device twice', { devices: [device('a'), device('a')] }, 'once'],
    ['no list', {}, 'devices'],
  ])('is refused with %s', (_name, content, reason) => {
    if (content) write(content);
    expect(() => DeviceList.fromFile(path)).toThrow(reason);
  });

  it('says which gateway may log in which device', () => {
    const list = DeviceList.of([
      device('gw1', { gateway: true }),
      device('gw2', { gateway: true }),
      device('sd1', { parent: 'gw1' }),
      device('sd2'),
    ]);
    const below = (gateway: string, sub: string) => {
      const [above, under] = [list.byKey(gateway), list.byKey(sub)];
      return above && under ? list.isBelow(above, under) : undefined;
    };
    expect([below('gw1', 'sd1'), below('gw2', 'sd1'), below('gw2', 'sd2')]).toEqual([true, false, true]);
    expect([below('gw1', 'gw2'), below('sd2', 'sd1')]).toEqual([false, false]);
  });
});
