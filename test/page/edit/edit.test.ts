import { files, sources } from 'virtual:shader-sources';
import { describe, expect, test } from 'vitest';
import { assemble, changedShaders, TextError } from '../../../harness/page/edit/assemble';
import { Edits } from '../../../harness/page/edit/edits';
import { guardLoops, MOST_TURNS, RAN_AWAY } from '../../../harness/page/edit/guard';
import { shaders } from '../../../harness/specs/lib/registry';

/** What is wrong with some texts. */
function errorOf(name: string, texts: Record<string, string>): TextError {
  try {
    assemble(name, texts);
  } catch (error) {
    if (error instanceof TextError) return error;
    throw error;
  }
  throw new Error(`${name} was assembled`);
}

const edited = (file: string, from: string, to: string) => {
  expect(files[file]).toContain(from);
  return { [file]: files[file].replace(from, to) };
};

describe('assemble', () => {
  test('makes the shipped shaders from the shipped files, byte for byte', async () => {
    for (const name of Object.keys(sources))
      expect(assemble(name).code).toBe(await shaders.get(name)!.code());
  });

  const swish = 'activation/swish.wgsl';
  test.each([
    [swish, 'lib/flat.wgsl', 'lib/flatt.wgsl', 'lib/flat', 'no such file'],
    [swish, '#endif', '', '#if', '#if without #endif'],
    [swish, '#if residual', '', '#endif', '#endif has no beginning'],
    ['lib/swish.wgsl', 'exp(', 'exp($x * ', 'exp(', '$x'],
    ['lib/flat.wgsl', '64u', '/* 64u */', '64u', '/*'],
    [
      swish,
      'struct Params {',
      '#each i 1000000\n#end\nstruct Params {',
      'struct',
      '1000000 times; at most 256',
    ],
  ])(
    'names the line of a mistake in %s that no compiler sees: %j becomes %j',
    (file, from, to, at, words) => {
      const { place, message } = errorOf('swish', edited(file, from, to));
      const line = files[file].split('\n').findIndex((each) => each.includes(at)) + 1;
      expect(message).toContain(words);
      expect({ file: place.file, line: place.line }).toEqual({ file, line });
    },
  );
});

describe('changedShaders', () => {
  test('finds all shaders made from an edited file, and none where the GPU gets the same text', () => {
    const names = (texts: Record<string, string>) => changedShaders(texts).map(({ name }) => name);
    expect(names(edited('activation/swish.wgsl', 'vec4s) {', 'vec4s + 0u) {'))).toEqual([
      'swish',
      'swish.residual',
    ]);
    expect(names(edited('activation/swish.wgsl', '// One', '// 1'))).toEqual([]);
    expect(names(edited('lib/swish.wgsl', '80.0', '81.0')).length).toBeGreaterThan(10);
    expect(names({})).toEqual([]);
  });
});

describe('guardLoops', () => {
  test('counts the turns of each loop, whatever its kind', () => {
    const code = `fn main() {
for (var i = 0u; i < max(1u, 2u); i++) {
while (true) { loop { break; } }
}
}
`;
    const guarded = guardLoops(code, 7)!;
    expect(guarded.match(/\+= 1u/g)).toHaveLength(3);
    expect(guarded).toContain(`i++) { if (turns_of_loop_0 >= ${MOST_TURNS}u)`);
    expect(guarded).toContain('var turns_of_loop_1 = 0u; while (true) { if');
    expect(guarded).toContain(`@binding(7) var<storage, read_write> ${RAN_AWAY}: atomic<u32>`);
    expect(guardLoops('fn main() { let former = 1; }', 1)).toBeUndefined();
  });
});

describe('Edits', () => {
  const file = 'activation/swish.wgsl';

  test('are used for training only exactly as they passed their trial', () => {
    const edits = new Edits();
    edits.pass({ [file]: 'x' }, []);
    expect(edits.replacementsOf({ [file]: 'x' })).toEqual([]);
    expect(edits.replacementsOf({ [file]: 'y' })).toBeUndefined();
    expect(edits.replacementsOf({ [file]: 'x', 'lib/flat.wgsl': 'y' })).toBeUndefined();
  });
});
