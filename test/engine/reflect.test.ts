/** What shaders/reflect.ts makes of a shader, and that it says what is wrong with a broken one. */

import { shaders, texts } from 'virtual:shaders';
import { describe, expect, test } from 'vitest';
import { loadShaders, readText, shaderSources, textOf } from '../../shaders/plugin';
import { declareShaders, reflect, reflectStruct, strip } from '../../shaders/reflect';
import { table } from '../../src/plan/tensor';
import { resolveText } from '../../src/plan/text';

const good = `
struct Params {
  count: u32,
  shift: i32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>;

@compute @workgroup_size(8, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  output[id.x] = params.scale * input[id.x + params.count];
}
`;

test('the build’s record of a shader is what reflect() reads of its text', () => {
  const some = loadShaders().filter(({ name }) => ['adam', 'conv2d.tile', 'gradient_norm'].includes(name));
  expect(some).toHaveLength(3);
  for (const { code: _, ...shader } of some) {
    const { code: __, ...read } = reflect(shader.name, shader.text);
    expect(shader).toEqual(read);
  }
});

test('a bundle’s declaration of a shader is what the build has read of it', () => {
  for (const { text: _, code: __, ...read } of loadShaders()) {
    const { code: ___, ...declared } = shaders[read.name as keyof typeof shaders];
    expect(declared).toEqual(read);
  }
});

test('reflect() reads params, bindings and the workgroup size', () => {
  expect(reflect('good', good)).toEqual({
    name: 'good',
    hash: expect.stringMatching(/^[0-9a-f]{8}$/),
    text: good,
    code: expect.any(Function),
    workgroupSize: [8, 4, 1],
    params: {
      size: 12,
      fields: {
        count: { type: 'u32', offset: 0 },
        shift: { type: 'i32', offset: 4 },
        scale: { type: 'f32', offset: 8 },
      },
    },
    bindings: { input: { binding: 1, access: 'read' }, output: { binding: 2, access: 'read_write' } },
  });
});

const withTable = good
  .replace('@group(0) @binding(1)', 'struct Row { at: vec4u, shape: vec4u }\n@group(0) @binding(1)')
  .replace('input: array<vec4f>', 'input: array<Row>')
  .replace('input[id.x + params.count]', 'vec4f(input[id.x + params.count].at)');

test('the columns of a table are read, declared as types, and order its rows', () => {
  const shader = reflect('table', withTable);
  expect(shader.columns).toEqual(['at', 'shape']);
  expect(declareShaders([shader])).toContain(`'at' | 'shape'`);
  const rows = [3, 7].map((n) => ({ shape: [n, 0, 0, 1], at: [n + 1, 0, 0, 2] }) as const);
  const { data, size } = table(shader, 'rows', rows);
  expect([...data!]).toEqual([4, 0, 0, 2, 3, 0, 0, 1, 8, 0, 0, 2, 7, 0, 0, 1]);
  expect(size).toBe(16);
});

test('a struct in a file of its own is read and declared', () => {
  const code = '// What is shared.\nstruct Shared {\n  count: u32, // of } something\n  rate: f32,\n}\n';
  const layout = reflectStruct('shared', code)!;
  expect(layout).toEqual({
    size: 8,
    fields: { count: { type: 'u32', offset: 0 }, rate: { type: 'f32', offset: 4 } },
  });
  expect(declareShaders([], new Map([['shared', layout]]))).toContain(`StructLayout<'count' | 'rate'>`);
  expect(reflectStruct('more', `${code}fn twice(x: f32) -> f32 { return 2.0 * x; }`)).toBeUndefined();
  expect(() => reflectStruct('wide', 'struct Wide { row: vec4u }')).toThrow('Wide.row is vec4u');
});

test('declareShaders names the params and the bindings', () => {
  const text = declareShaders([reflect('good', good)]);
  expect(text).toContain(`declare module 'virtual:kernel/good'`);
  expect(text).toContain('readonly plain: ');
  expect(text).toContain(`'count' | 'shift' | 'scale'`);
  expect(text).toContain(`'input' | 'output'`);
});

describe('reflect() refuses a broken shader:', () => {
  const broken: Record<string, [change: [from: string | RegExp, to: string], message: RegExp]> = {
    'no entry point': [['@compute @workgroup_size(8, 4)', ''], /0 compute entry points/],
    'an entry point of another name': [['fn main', 'fn start'], /entry point.*main/],
    'two entry points': [[/$/, '@compute @workgroup_size(1) fn other() {}'], /2 compute entry points/],
    'a named workgroup size': [
      [/@compute @workgroup_size\(8, 4\)/, 'const N = 8;\n@compute @workgroup_size(N)'],
      /workgroup_size must be literal/,
    ],
    'a syntax error before the bindings': [['struct Params {', 'struct Params (('], /struct body.*Line: 2/],
    'a syntax error after the entry point': [[/$/, 'fn half( {'], /argument name.*Line: 16/],
    'a missing brace': [['shift: i32,', 'shift: i32, }'], /./],
    'a vector in params': [['scale: f32', 'scale: vec3f'], /params\.scale is vec3/],
    'an unknown type in params': [['scale: f32', 'scale: float'], /params\.scale is float/],
    'params of another name': [[/\bparams\b/g, 'settings'], /params/],
    'a uniform that is not binding 0': [
      [/binding\(0\)(.*\n.*)binding\(1\)/, 'binding(1)$1binding(0)'],
      /params|out of order/,
    ],
    'a gap between the bindings': [['binding(2)', 'binding(3)'], /output is out of order/],
    'a binding twice': [['binding(2)', 'binding(1)'], /out of order/],
    'another group': [['@group(0) @binding(2)', '@group(1) @binding(2)'], /bindings/],
    'two bindings in one line': [
      [/;\n@group\(0\) @binding\(2\)/, '; @group(0) @binding(2)'],
      /line of its own/,
    ],
    'a texture': [
      [/@group\(0\) @binding\(2\).*/, '@group(0) @binding(2) var output: texture_2d<f32>;'],
      /binding/,
    ],
  };
  const brokenTable: typeof broken = {
    'a table of other than vec4u': [['at: vec4u', 'at: vec4f'], /input\[\]\.at is vec4f/],
    'a table of single numbers': [['shape: vec4u', 'shape: u32'], /input\[\]\.shape is u32/],
    'a second table': [
      ['read_write> output: array<vec4f>', 'read> output: array<Row>'],
      /output is a second table/,
    ],
    'a table that is written': [['read> input', 'read_write> input'], /input is .* not only read/],
  };
  for (const [text, faults] of [
    [good, broken],
    [withTable, brokenTable],
  ] as const)
    test.each(Object.entries(faults))('%s', (_, [[from, to], message]) => {
      const code = text.replace(from, to);
      expect(code).not.toBe(text);
      expect(() => reflect('broken', code)).toThrow(message);
    });
});

describe('#if, #else and #each in a shader', () => {
  const text = 'a\n#if one\nb\n#if two\nc\n#else\nd\n#endif\n#else\ne\n#import none\n#endif\nf\n';
  const none = () => {
    throw new Error('nothing is imported');
  };
  test.each([
    [{ one: '' }, 'a\nb\nd\nf\n'],
    [{ one: '', two: '' }, 'a\nb\nc\nf\n'],
  ])('the flags %j choose their lines', (flags, expected) => {
    expect(resolveText(text, none, flags)).toBe(expected);
  });
  test('#each repeats lines, nests, and counts up to a number or a const above it', () => {
    const text =
      'const N = 2u;\n#each i N\na$i\n  #each j 3\n  #if odd\n  b[$i][$j]\n  #endif\n  #end\n#end\n';
    expect(resolveText(text, none)).toBe('const N = 2u;\na0\na1\n');
    const inner = (i: number) => [0, 1, 2].map((j) => `  b[${i}][${j}]\n`).join('');
    expect(resolveText(text, none, { odd: '' })).toBe(`const N = 2u;\na0\n${inner(0)}a1\n${inner(1)}`);
  });
  test('lines that are not chosen import nothing', () => {
    expect(() => resolveText(text, none)).toThrow('nothing is imported');
  });
  test.each([
    ['#if a\n', '#if without #endif'],
    ['#each i 2\n', '#each without #end'],
    ['#endif\n', '#endif has no beginning'],
    ['#else\n', '#else has no beginning'],
    ['#each i N\n#end\n', 'N is no number'],
    ['$i\n', '$i is not known'],
  ])('%j is an error that says what is wrong', (broken, message) => {
    expect(() => resolveText(broken, none)).toThrow(message);
  });
});

describe('#import in a shader', () => {
  const files: Record<string, string> = {
    'lib/a.wgsl': '#import lib/b.wgsl\nfn a() {}\n',
    'lib/b.wgsl': 'fn b() {}\n',
    'lib/circle.wgsl': '#import lib/circle.wgsl\nfn circle() {}\n',
  };
  const read = (path: string) => {
    if (!(path in files)) throw new Error(`there is no ${path}`);
    return files[path];
  };
  test('is replaced by the text of the file, once for each file', () => {
    const code = resolveText('#import lib/a.wgsl\n#import lib/b.wgsl\nfn main() {}\n', read);
    expect(code.match(/fn \w+/g)).toEqual(['fn b', 'fn a', 'fn main']);
    expect(code).not.toContain('#import');
  });
  test('may form a circle', () => {
    expect(resolveText('#import lib/circle.wgsl\n', read).match(/fn circle/g)).toHaveLength(1);
  });
  test('may have the value of a flag as part of its path', () => {
    expect(resolveText('#import lib/$which.wgsl\n', read, { which: 'b' })).toBe('fn b() {}\n');
  });
  test('of a missing file is an error that names the file', () => {
    expect(() => resolveText('#import lib/none.wgsl\n', read)).toThrow('lib/none.wgsl');
  });
});

describe('the text of shaders that is shipped', () => {
  test('has no comments, indentation or empty lines', () => {
    expect(strip('// What it does.\n\nfn main() { // here\n  let a = 1 / 2;\n}\n')).toBe(
      'fn main() {\nlet a = 1 / 2;\n}\n',
    );
    expect(() => strip('/* No. */')).toThrow('write //');
  });
  test.each([...shaderSources()])('has the same words as its source: %s', async (name, source) => {
    // Nothing but comments and spaces may go, and no two words may grow together.
    const words = (text: string) =>
      text
        .replace(/\/\/.*/g, ' ')
        .split(/\s+/)
        .filter(Boolean);
    const text = await shaders[name].code();
    expect(words(text)).toEqual(words(textOf(source, readText)));
    expect(text).not.toContain('//');
    expect(text).toBe(texts[name]);
  });
});
