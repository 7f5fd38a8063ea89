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

  test('knows the file and the line that each line comes from', () => {
    let lines = 0;
    for (const name of Object.keys(sources)) {
      const { code, placeOf, files: own } = assemble(name);
      const all = code.trimEnd().split('\n');
      for (const [i, text] of all.entries()) {
        if (text === 'enable subgroups;') continue;
        const { file, line, column } = placeOf(i + 1, 1);
        expect(own).toContain(file);
        const original = files[file].split('\n')[line! - 1];
        // What stands for an index or a value of a flag is another text in the code.
        const parts = original
          .replace(/\/\/.*/, '')
          .trim()
          .split(/\$\{\w+\}|\$\w+/);
        let at = 0;
        for (const part of parts) {
          expect(text.slice(at)).toContain(part);
          at = text.indexOf(part, at) + part.length;
        }
        expect(original[column! - 1]).not.toBe(' ');
        lines++;
      }
    }
    expect(lines).toBeGreaterThan(5000);
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
      expect([place.file, place.line]).toEqual([file, line]);
    },
  );
});

describe('changedShaders', () => {
  test('finds all shaders made from an edited file, and none where the GPU gets the same text', () => {
    const names = (texts: Record<string, string>) => changedShaders(texts).map(({ name }) => name);
    expect(names(edited('activation/swish.wgsl', '= swish(input[i])', '= swish(input[i] * 1.0)'))).toEqual([
      'swish',
    ]);
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

  test('are the texts that differ from the shipped ones', () => {
    const edits = new Edits();
    edits.set(file, 'x');
    expect(edits.isEdited(file)).toBe(true);
    expect(edits.toTry([file, 'lib/flat.wgsl'])).toEqual({ [file]: 'x' });
    expect(edits.toTry(['lib/flat.wgsl'])).toEqual({});
    edits.revert(file);
    expect(edits.isEdited(file)).toBe(false);
    expect(edits.textOf(file)).toBe(files[file]);
  });

  test('are used for training only exactly as they passed their trial', () => {
    const edits = new Edits();
    edits.pass({ [file]: 'x' }, []);
    expect(edits.replacementsOf({ [file]: 'x' })).toEqual([]);
    expect(edits.replacementsOf({ [file]: 'y' })).toBeUndefined();
    expect(edits.replacementsOf({ [file]: 'x', 'lib/flat.wgsl': 'y' })).toBeUndefined();
  });

  test('in use for training are tried together with a new edit', () => {
    const edits = new Edits();
    edits.used = { [file]: 'x' };
    edits.set('lib/pack.wgsl', 'y');
    expect(edits.toTry(['lib/pack.wgsl'])).toEqual({ [file]: 'x', 'lib/pack.wgsl': 'y' });
    // The file's own edit takes the place of what is trained with.
    edits.set(file, 'z');
    expect(edits.toTry([file])).toEqual({ [file]: 'z' });
  });
});
