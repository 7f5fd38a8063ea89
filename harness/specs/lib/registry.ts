/** The one table of kernels: every shader with its launcher, its reference and its spec, found by file name. */
import { shaders as allShaders } from 'virtual:shaders';
import type { Kernel } from '../../../src/plan/op';
import type { Reference } from '../../../src/plan/reference';
import type { Shader } from '../../../src/plan/shader';
import type { Spec } from './spec';

// biome-ignore lint/suspicious/noExplicitAny: a table of specs over different shapes; each spec is consistent in itself.
export type AnySpec = Spec<any, string>;

const launcherModules = import.meta.glob<Record<string, Kernel<unknown>>>('../../../src/kernels/*.ts', {
  eager: true,
});
const referenceModules = import.meta.glob<{ reference: Reference<never> }>('../../../src/reference/*.ts', {
  eager: true,
});
const specModules = import.meta.glob<{ spec: AnySpec }>('../*.ts', { eager: true });

const byName = <T>(modules: Record<string, T>) =>
  new Map(Object.entries(modules).map(([path, module]) => [path.replace(/^.*\/|\.\w+$/g, ''), module]));

/** Every shader, by name; `conv2d.winograd4_input` belongs to the kernel conv2d. */
export const shaders: ReadonlyMap<string, Shader> = new Map(Object.entries(allShaders));

const launchers: ReadonlySet<string> = new Set(byName(launcherModules).keys());

const references: ReadonlyMap<string, Reference<never>> = new Map(
  [...byName(referenceModules)].map(([name, module]) => [name, module.reference]),
);

export const specs: ReadonlyMap<string, AnySpec> = new Map(
  [...byName(specModules)].map(([name, module]) => [name, module.spec]),
);

/** The parts of the rule of twins. */
const twins = { shaders, launchers, references, specs };
export type Twins = typeof twins;

/** The missing twins, one line each. */
export function missingTwins({ shaders, launchers, references, specs } = twins): string[] {
  const problems: string[] = [];
  const kernels = new Set([...shaders.keys()].map((name) => name.split('.')[0]));
  const folders = [
    { folder: 'src/kernels', holds: 'launcher', names: new Set(launchers) },
    { folder: 'src/reference', holds: 'reference', names: new Set(references.keys()) },
    { folder: 'harness/specs', holds: 'spec', names: new Set(specs.keys()) },
  ];
  for (const { folder, holds, names } of folders) {
    for (const name of kernels)
      if (!names.has(name)) problems.push(`the shaders of ${name} have no ${holds} ${folder}/${name}.ts`);
    for (const name of names) if (!kernels.has(name)) problems.push(`${folder}/${name}.ts has no shader`);
  }
  for (const [name, reference] of references)
    if (typeof reference !== 'function')
      problems.push(`src/reference/${name}.ts must export a function reference`);
  for (const [name, spec] of specs) {
    if (spec?.kernel?.name !== name)
      problems.push(`harness/specs/${name}.ts must export a spec of the kernel ${name}`);
    else if (references.has(name) && spec.reference !== references.get(name))
      problems.push(`the spec harness/specs/${name}.ts must have the reference of src/reference/${name}.ts`);
  }
  return problems;
}
