import { files, sources } from 'virtual:shader-sources';
import { describe, expect, test } from 'vitest';
import { assemble, changedShaders, TextError } from '../../../harness/page/edit/assemble';
import { Edits } from '../../../harness/page/edit/edits';
import { guardLoops, MOST_TURNS, RAN_AWAY } from '../../../harness/page/edit/guard';
import { verdictOf } from '../../../harness/page/edit/verdict';
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

  test('gives all turns of an unrolled loop the same line of the file', () => {
    const name = 'conv2d.winograd7_input';
    const { code, placeOf } = assemble(name);
    const all = code.split('\n').map((_, i) => placeOf(i + 1));
    const times = new Map<string, number>();
    for (const { file, line } of all) times.set(`${file}:${line}`, (times.get(`${file}:${line}`) ?? 0) + 1);
    expect(Math.max(...times.values())).toBeGreaterThan(5);
  });

  test('names the line of a mistake that no compiler sees', () => {
    const line = (file: string, text: string) =>
      files[file].split('\n').findIndex((each) => each.includes(text)) + 1;
    const swish = 'activation/swish.wgsl';
    for (const [name, texts, file, at, words] of [
      [
        'swish',
        edited(swish, 'lib/flat.wgsl', 'lib/flatt.wgsl'),
        swish,
        line(swish, 'lib/flat'),
        'no such file',
      ],
      ['swish', edited(swish, '#endif', ''), swish, line(swish, '#if'), '#if without #endif'],
      ['swish', edited(swish, '#if residual', ''), swish, line(swish, '#endif'), '#endif has no beginning'],
      [
        'swish',
        edited('lib/swish.wgsl', 'exp(', 'exp($x * '),
        'lib/swish.wgsl',
        line('lib/swish.wgsl', 'exp('),
        '$x',
      ],
      [
        'swish',
        edited('lib/flat.wgsl', '64u', '/* 64u */'),
        'lib/flat.wgsl',
        line('lib/flat.wgsl', '64u'),
        '/*',
      ],
      [
        'swish',
        edited(swish, 'struct Params {', '#each i 1000000\n#end\nstruct Params {'),
        swish,
        line(swish, 'struct'),
        '1000000 times; at most 256',
      ],
      [
        'swish',
        edited(swish, 'struct Params {', '#each i MANY\n#end\nstruct Params {'),
        swish,
        line(swish, 'struct'),
        'MANY is no number',
      ],
    ] as const) {
      const { place, message } = errorOf(name, texts);
      expect(message).toContain(words);
      expect([place.file, place.line]).toEqual([file, at]);
    }
  });
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

test('the verdict on an edited shader says how much is right, and how long the kernel takes', () => {
  const text = verdictOf({
    kind: 'passed',
    variants: ['swish.plain', 'mse.plain'],
    cases: 8,
    share: 0.25,
    times: { kernel: 'swish', layer: 'up.0', shipped: 2, edited: 1.5, rounds: 9, clock: 'wall clock' },
    replacements: [],
  });
  expect(text).toContain(
    'swish.plain and mse.plain agree with the reference in 8 cases; the largest error is 25.0 %',
  );
  expect(text).toContain(
    'swish of up.0 takes 0.75 times as long as the shipped one: 1.50 ms instead of 2.00',
  );
});
