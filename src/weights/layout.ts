/**
 * Names and orders of parameters in files. `keras`: the engine's. `pytorch`: a kernel is a `weight`, of a convolution OIHW
 * [out, in, height, width], of a linear layer [out, in], as in `torch.nn.Conv2d` and `torch.nn.Linear`; everything else is the same.
 */
import type { Parameter } from '../unet/config';
import type { Safetensors, Tensor } from './safetensors';

/** The names and the order of numbers in a file: Keras' (HWIO) or PyTorch's (OIHW). */
export type WeightsLayout = 'keras' | 'pytorch';

export const LAYOUTS = 'keras or pytorch';
export const isLayout = (value: unknown): value is WeightsLayout => value === 'keras' || value === 'pytorch';

const KERNEL = /\.kernel$/;

/** The layout of the tensors of a file: only PyTorch's have weights. */
export const detectLayout = (tensors: ReadonlyMap<string, Tensor>): WeightsLayout =>
  [...tensors.keys()].some((name) => name.endsWith('.weight')) ? 'pytorch' : 'keras';

/** Name and shape of a parameter in PyTorch. */
export function inPyTorch({ name, shape }: Pick<Parameter, 'name' | 'shape'>) {
  if (!KERNEL.test(name)) return { name, shape };
  const [inputs, outputs] = shape.slice(-2);
  return { name: name.replace(KERNEL, '.weight'), shape: [outputs, inputs, ...shape.slice(0, -2)] };
}

/** A parameter for PyTorch. */
export function toPyTorch(parameter: Parameter, data: Float32Array) {
  const tensor = inPyTorch(parameter);
  if (tensor.name === parameter.name) return { ...tensor, data };
  const moved = new Float32Array(data.length);
  eachWeight(parameter, (ours, theirs) => {
    moved[theirs] = data[ours];
  });
  return { ...tensor, data: moved };
}

/** The parameters of a file of PyTorch's layout that has been checked. */
export function pickFromPyTorch(
  { tensors }: Safetensors,
  parameters: readonly Parameter[],
): Map<string, Float32Array> {
  return new Map(
    parameters.map((parameter) => {
      const data = tensors.get(inPyTorch(parameter).name)!.data as Float32Array;
      if (!KERNEL.test(parameter.name)) return [parameter.name, data];
      const moved = new Float32Array(data.length);
      eachWeight(parameter, (ours, theirs) => {
        moved[ours] = data[theirs];
      });
      return [parameter.name, moved];
    }),
  );
}

/** Calls `visit` with the place of each weight of a kernel, here and in PyTorch. */
function eachWeight({ shape, size }: Parameter, visit: (ours: number, theirs: number) => void): void {
  const [inputs, outputs] = shape.slice(-2);
  const area = size / (inputs * outputs);
  for (let at = 0; at < area; at++) {
    for (let i = 0; i < inputs; i++) {
      for (let o = 0; o < outputs; o++) visit((at * inputs + i) * outputs + o, (o * inputs + i) * area + at);
    }
  }
}
