/** The one table of kernels: every shader with its launcher and its reference, found by file name. */
import { shaders as allShaders } from 'virtual:shaders';
import type { Kernel } from '../src/plan/op';
import type { Shader } from '../src/plan/shader';
import type { Spec } from './spec';

// biome-ignore lint/suspicious/noExplicitAny: a table of specs over different shapes; each spec is consistent in itself.
export type AnySpec = Spec<any, string>;

const launcherModules = import.meta.glob<Record<string, Kernel<unknown>>>('../src/kernels/*.ts', {
  eager: true,
});
const specModules = import.meta.glob<{ spec: AnySpec }>('./kernels/*.ts', { eager: true });

const byName = <T>(modules: Record<string, T>) =>
  new Map(Object.entries(modules).map(([path, module]) => [path.replace(/^.*\/|\.\w+$/g, ''), module]));

/** Every shader, by name; `conv2d.winograd4_input` belongs to the kernel conv2d. */
export const shaders: ReadonlyMap<string, Shader> = new Map(Object.entries(allShaders));

export const launchers: ReadonlySet<string> = new Set(byName(launcherModules).keys());

export const specs: ReadonlyMap<string, AnySpec> = new Map(
  [...byName(specModules)].map(([name, module]) => [name, module.spec]),
);

/** What is missing for the rule of twins to hold, one line each. */
export function missingTwins(): string[] {
  const problems: string[] = [];
  const kernels = new Set([...shaders.keys()].map((name) => name.split('.')[0]));
  for (const name of kernels) {
    if (!launchers.has(name)) problems.push(`the shaders of ${name} have no launcher src/kernels/${name}.ts`);
    if (!specs.has(name)) problems.push(`the shaders of ${name} have no reference test/kernels/${name}.ts`);
  }
  for (const name of launchers) if (!kernels.has(name)) problems.push(`src/kernels/${name}.ts has no shader`);
  for (const [name, spec] of specs) {
    if (!kernels.has(name)) problems.push(`test/kernels/${name}.ts has no shader`);
    else if (spec?.kernel?.name !== name)
      problems.push(`test/kernels/${name}.ts must export a spec of the kernel ${name}`);
  }
  return problems;
}
