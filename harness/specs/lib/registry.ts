/** The one table of kernels: every shader, and every kernel's spec with its launcher and reference, found by file name. */
import { shaders as allShaders } from 'virtual:shaders';
import type { Shader } from '../../../src/plan/shader';
import type { Spec } from './spec';

// biome-ignore lint/suspicious/noExplicitAny: a table of specs over different shapes; each spec is consistent in itself.
export type AnySpec = Spec<any, string>;

const specModules = import.meta.glob<{ spec: AnySpec }>('../*.ts', { eager: true });

/** Every shader, by name; `conv2d.winograd7_input` belongs to the kernel conv2d. */
export const shaders: ReadonlyMap<string, Shader> = new Map(Object.entries(allShaders));

/** Every spec, by its kernel's name. */
export const specs: ReadonlyMap<string, AnySpec> = new Map(
  Object.entries(specModules).map(([path, { spec }]) => [path.replace(/^.*\/|\.\w+$/g, ''), spec]),
);
