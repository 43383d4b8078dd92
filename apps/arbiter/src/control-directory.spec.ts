import { describe, expect, it } from 'vitest';
import { compileDirectory } from './control-directory.js';
import { asset, configuration, forwarding, generation, MAP, policy, sink } from './testing/sample-site.js';

const directory = compileDirectory(generation(3));

describe('a directory', () => {
  it('says of a point its access, range, policy and the connection that writes it', () => {
    expect(directory.generation).toBe(3);
    expect(directory.point('inv-1/Limit')).toMatchObject({
      access: 'rw',
      type: 'double',
      range: [0, 110],
      connection: 'line',
      isReadOnly: false,
      policy: { id: 'limit' },
    });
    expect(directory.point('inv-2/Limit')?.isReadOnly).toBe(true);
  });

  it.each(['inv-1/Nothing', 'inv-9/Limit', 'inv-1', ''])('knows no point %j', (path) => {
    expect(directory.point(path)).toBeUndefined();
  });

  it('gives the writes of a value in tag units, with what the feedback tag shows then', () => {
    expect(directory.point('inv-1/Limit')?.writes(50)).toEqual([
      {
        point: 'inv-1/Limit',
        device: 'd1',
        tag: 2,
        value: 5,
        feedback: { tag: 2, expected: [5], tolerance: 0.05, withinMs: 5_000 },
      },
    ]);
  });

  it('asks for no feedback where the policy does not, or where nothing can be read back', () => {
    const silent = compileDirectory(generation(1, { policies: [policy({ feedback: undefined })] }));
    expect(silent.point('inv-1/Limit')?.writes(50)).toEqual([{ point: 'inv-1/Limit', device: 'd1', tag: 2, value: 5 }]);
    const points = [{ asset: 'inv-1', point: 'Mode' }];
    const written = compileDirectory(generation(1, { policies: [policy({ points })] }));
    expect(written.point('inv-1/Mode')?.writes(1)).toEqual([{ point: 'inv-1/Mode', device: 'd1', tag: 3, value: 1 }]);
  });

  it('refuses to write what no device takes', () => {
    expect(directory.point('inv-1/Power')).not.toHaveProperty('connection');
    expect(directory.point('inv-1/Power')?.writes(1)).toMatchObject({ rule: 'NOT_CONTROLLABLE' });
    expect(directory.point('inv-1/Limit')?.writes('high')).toMatchObject({ rule: 'TYPE' });
  });

  it('governs by the policy that names the point, and the rest by the default', () => {
    expect(directory.point('inv-1/Mode')?.policy).toBeUndefined();
    const policies = [policy(), policy({ id: 'default', points: [] })];
    const both = compileDirectory(generation(1, { policies }));
    expect(both.point('inv-1/Limit')?.policy?.id).toBe('limit');
    expect(both.point('inv-1/Mode')?.policy?.id).toBe('default');
  });

  it('lets people and programs command, of the clouds those that may', () => {
    expect(['operator', 'app:ems', 'busbar', 'cloud:enos'].map(directory.mayCommand)).toEqual(Array(4).fill(true));
    expect(['cloud:mute', 'cloud:other', 'cloud', 'external:scada', ''].map(directory.mayCommand)).toEqual(
      Array(5).fill(false),
    );
  });

  it('lets the third parties command that may, through a forwarding connection that may', () => {
    const connections = [
      sink('enos', true),
      forwarding('scada', true, { dispatch: true, watcher: false }),
      forwarding('shown', false, { viewer: true }),
    ];
    const { mayCommand } = compileDirectory(generation(1, { connections }));
    expect(['external:dispatch', 'cloud:enos'].map(mayCommand)).toEqual([true, true]);
    const others = ['external:watcher', 'external:viewer', 'external:scada', 'external:enos', 'external'];
    expect(others.map(mayCommand)).toEqual(Array(5).fill(false));
  });

  it('makes a point not controllable whose template does not fit, and no other', () => {
    const wrong = { ...configuration().templates[0], id: 'wrong', map: [{ ...MAP[1], write: 'nothing' }] } as never;
    const from = [{ template: 'wrong', connection: 'line', device: 'd1' }];
    const assets = [{ ...asset('inv-1', 'line', 'd1'), from }, asset('inv-2', 'line', 'd1')];
    const templates = [...configuration().templates, wrong];
    const compiled = compileDirectory(generation(1, { templates, assets }));
    expect(compiled.point('inv-1/Limit')?.writes(50)).toMatchObject({ rule: 'NOT_CONTROLLABLE' });
    expect(compiled.point('inv-2/Limit')?.writes(50)).toMatchObject([{ value: 5 }]);
  });
});
