/** What TypeScript refuses of a launcher: shaders/plugin.ts writes the types of its shaders. */
import { expect, test } from 'vitest';
import { errorsIn } from './compile';

test('a wrong name of a kernel, shader, param, binding, column or reference is a TypeScript error', () => {
  const code = `
import shaders from 'virtual:kernel/swish';
import adam from 'virtual:kernel/adam';
import missing from 'virtual:kernel/swoosh';
import { references } from 'virtual:references';
import { call } from '../plan/op';
import { table, tensor } from '../plan/tensor';

const input = tensor('input', 4);
const output = tensor('output', 4);
export const right = call(shaders.plain, { vec4s: 1 }, { input, output }, 1);
export const param = call(shaders.plain, { vec4: 1 }, { input, output }, 1);
export const binding = call(shaders.plain, { vec4s: 1 }, { input, out: output }, 1);
export const shader = shaders.residue;
export const rows = table(adam.plain, 'rows', [{ place: [1, 2, 3, 4], layer: [1, 2, 3, 4], packed: [1, 2, 3, 4] }]);
export const reference = references.swoosh;
`;
  const errors = errorsIn({ 'src/kernels/typed.ts': code }).map(({ message }) => message);
  expect(errors).toEqual([
    expect.stringMatching("Cannot find module 'virtual:kernel/swoosh'"),
    expect.stringMatching("'vec4' does not exist in type"),
    expect.stringMatching("'out' does not exist in type"),
    expect.stringMatching("Property 'residue' does not exist"),
    expect.stringMatching("'packed' does not exist in type"),
    expect.stringMatching("Property 'swoosh' does not exist"),
  ]);
});
