/** Tries edited shaders: compiles them, checks them against their references, and times them against the shipped ones. */

import { reflect } from '../../../shaders/reflect';
import type { Engine } from '../../../src/engine';
import { type Call, type Op, op } from '../../../src/plan/op';
import { Timer, withOp } from '../../bench/timer';
import { checkCase, missingFeature, References } from '../../run/check';
import { listStages } from '../../run/step_list';
import { type AnySpec, shaders, specs } from '../../specs/lib/registry';
import { type Replacement, replaceShaders } from '../messages/replace';
import { type Assembled, changedShaders, TextError } from './assemble';
import { guardLoops, MOST_TURNS, RAN_AWAY } from './guard';
import { timeByTurns } from './interleaved';
import type { TextProblem, TrialOrder, TrialResult, TrialTimes } from './trial_messages';

/** On a processor, larger cases take seconds each. */
const MUCH_FLOPS = 1e8;

/** Tries the edited shaders of an order, and restores the shipped ones afterwards. `tell` is called with the progress in words. */
export async function tryShaders(
  engine: Engine,
  order: TrialOrder,
  tell: (progress: string) => void,
): Promise<TrialResult> {
  try {
    return await tryAll(engine, order, tell);
  } finally {
    replaceShaders([]);
  }
}

async function tryAll(
  engine: Engine,
  { texts, step, op: at }: TrialOrder,
  tell: (progress: string) => void,
): Promise<TrialResult> {
  let changed: Assembled[];
  try {
    changed = changedShaders(texts);
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    return { kind: 'refused', problems: [{ ...error.place, message: error.message }] };
  }
  if (changed.length === 0) return { kind: 'same' };
  tell('Compiling');
  const problems = await compileChanged(engine, changed);
  if (problems.length > 0) return { kind: 'refused', problems };
  const { replacements, misfits } = declare(changed);
  if (misfits.length > 0) return { kind: 'refused', problems: misfits };

  const names = new Set(changed.map(({ name }) => name));
  const uses = (calls: readonly Call[]) => calls.some(({ shader }) => names.has(shader.name));
  const ops = Object.values(listStages(step)).flat();
  const affected = ops.filter(({ calls }) => uses(calls));
  const tried = casesOf(engine, affected, uses);
  const unchecked = uncovered(names, affected, tried);
  if (unchecked.length > 0) {
    const message = `No case that this adapter can run uses ${unchecked.join(', ')}, so the text cannot be checked.`;
    return { kind: 'failed', message };
  }
  const timed = ops[at ?? -1] && uses(ops[at!].calls) ? ops[at!] : heaviest(affected);
  const shipped = timed && withShippedShaders(timed);
  // First with loops that end, in all cases; then each form once as it is.
  replaceShaders(await guard(engine, replacements));
  const checked = await checkAll(engine, tried, true, tell);
  if ('kind' in checked) return checked;
  replaceShaders(replacements);
  const smallest = tried.map(({ spec, cases }) => ({ spec, cases: cases.slice(0, 1) }));
  const again = await checkAll(engine, smallest, false, tell);
  if ('kind' in again) return again;
  let times: TrialTimes | undefined;
  if (timed) {
    tell(`Timing ${timed.kernel} of ${timed.layer}`);
    // Planned anew: another size of workgroups makes another grid.
    const edited = Object.values(listStages(step)).flat()[ops.indexOf(timed)];
    times = await timeBoth(engine, shipped!, edited);
  }
  const variants = tried.map(({ spec, cases: [{ variant }] }) => `${spec.kernel.name}.${variant}`);
  return { kind: 'passed', variants, ...checked, times, replacements };
}

interface Case {
  readonly variant: string;
  readonly title: string;
  readonly shape: unknown;
  readonly shaders: readonly string[];
}

/** One form of a kernel, and the cases on which it is checked. */
interface Tried {
  readonly spec: AnySpec;
  readonly cases: readonly Case[];
}

/** Checks all cases until one fails. */
async function checkAll(
  engine: Engine,
  tried: readonly Tried[],
  guarded: boolean,
  tell: (progress: string) => void,
): Promise<TrialResult | { readonly cases: number; readonly share: number }> {
  const all = tried.reduce((sum, { cases }) => sum + cases.length, 0);
  let share = 0;
  let done = 0;
  for (const { spec: own, cases } of tried) {
    const spec = guarded ? watched(own) : own;
    const references = new References();
    for (const { variant, title, shape } of cases) {
      const name = `${own.kernel.name}.${variant}`;
      tell(`Checking ${name}, case ${++done} of ${all}: ${title}`);
      const result = await checkCase(engine, spec, variant, shape, references);
      share = Math.max(share, result.share);
      if (result.pass) continue;
      const where = { variant: name, case: title };
      const failure = result.failure!;
      if (failure.startsWith(RAN_AWAY)) return { kind: 'endless', ...where, turns: MOST_TURNS };
      return { kind: 'wrong', ...where, failure };
    }
  }
  return { cases: all, share };
}

/** The compiler's errors in the changed shaders, each once. */
async function compileChanged({ device }: Engine, changed: readonly Assembled[]): Promise<TextProblem[]> {
  const found = new Map<string, TextProblem>();
  for (const { name, code, placeOf, files } of changed) {
    if (code.startsWith('enable subgroups') && !device.features.has('subgroups')) continue;
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label: name, code });
    const [info, error] = await Promise.all([module.getCompilationInfo(), device.popErrorScope()]);
    const errors = info.messages.filter(({ type }) => type === 'error');
    const problems: TextProblem[] = errors.map(({ lineNum, linePos, message }) => ({
      ...placeOf(lineNum, linePos),
      shader: name,
      message,
    }));
    if (problems.length === 0 && error)
      problems.push({ file: files[0], shader: name, message: error.message });
    for (const problem of problems) {
      const key = `${problem.file}:${problem.line} ${problem.message}`;
      if (!found.has(key)) found.set(key, problem);
    }
  }
  return [...found.values()];
}

/** Reads the declarations of the texts. Launchers give bindings and params, so their names must stay. */
function declare(changed: readonly Assembled[]) {
  const replacements: Replacement[] = [];
  const misfits: TextProblem[] = [];
  for (const { name, code, files } of changed) {
    const misfit = (message: string) => misfits.push({ file: files[0], shader: name, message });
    let now: Replacement;
    try {
      now = reflect(name, code);
    } catch (error) {
      misfit((error as Error).message.replace(`shaders/${name}.wgsl: `, ''));
      continue;
    }
    const before = shaders.get(name)!;
    for (const [what, was, is] of [
      ['bindings', Object.keys(before.bindings), Object.keys(now.bindings)],
      ['params', Object.keys(before.params.fields), Object.keys(now.params.fields)],
      ['columns', before.columns ?? [], now.columns ?? []],
    ] as const) {
      if (was.toSorted().join() === is.toSorted().join()) continue;
      const launcher = `src/kernels/${name.split('.')[0]}.ts`;
      misfit(`The ${what} are ${is.join(', ')}; ${launcher} gives ${was.join(', ')}. Keep their names.`);
    }
    const { code: _, ...declared } = { code: undefined, ...now };
    replacements.push(declared);
  }
  return { replacements, misfits };
}

/** The same with loops that are counted; those without loops, and those that do not compile with it, stay as they are. */
async function guard({ device }: Engine, replacements: readonly Replacement[]): Promise<Replacement[]> {
  return Promise.all(
    replacements.map(async (each) => {
      const binding = Math.max(0, ...Object.values(each.bindings).map((b) => b.binding)) + 1;
      const text = guardLoops(each.text, binding);
      if (!text) return each;
      device.pushErrorScope('validation');
      const module = device.createShaderModule({ label: `${each.name}, counted`, code: text });
      const [info] = await Promise.all([module.getCompilationInfo(), device.popErrorScope()]);
      if (info.messages.some(({ type }) => type === 'error')) return each;
      const bindings = { ...each.bindings, [RAN_AWAY]: { binding, access: 'read_write' as const } };
      return { ...each, text, bindings, hash: `${each.hash} counted` };
    }),
  );
}

/** The spec of a kernel whose shaders are guarded: to the check, the word that a loop leaves is an input that may not change. */
function watched(spec: AnySpec): AnySpec {
  const { kernel, inputs } = spec;
  const variants = Object.entries(kernel.variants).map(([name, variant]) => {
    const calls: typeof variant.calls = (shape, tensors, scratch, cached) =>
      variant.calls(shape, tensors, scratch, cached).map((call) => ({
        ...call,
        tensors: { ...call.tensors, [RAN_AWAY]: (tensors as Call['tensors'])[RAN_AWAY] },
      }));
    return [name, { ...variant, calls }];
  });
  return {
    ...spec,
    kernel: {
      ...kernel,
      sizes: (shape) => ({ [RAN_AWAY]: 1, ...kernel.sizes(shape) }),
      variants: Object.fromEntries(variants),
    },
    inputs: (shape, random) => ({ ...inputs(shape, random), [RAN_AWAY]: new Uint32Array(1) }),
  };
}

/**
 * The forms of kernels to check: the affected ones of the step, or if there are none, all forms that use the shaders; each on the cases that
 * run the shaders, the smallest first.
 */
function casesOf(
  engine: Engine,
  affected: readonly Op[],
  uses: (calls: readonly Call[]) => boolean,
): Tried[] {
  const inStep = new Set(affected.map(({ kernel, variant }) => `${kernel}.${variant}`));
  const most = engine.adapter.software ? MUCH_FLOPS : Number.POSITIVE_INFINITY;
  return [...specs].flatMap(([kernel, spec]) =>
    Object.entries(spec.kernel.variants).flatMap(([variant, { refuses }]) => {
      if (inStep.size > 0 && !inStep.has(`${kernel}.${variant}`)) return [];
      if (missingFeature(engine, spec, variant)) return [];
      const flops = (shape: unknown) => spec.kernel.cost(shape).flops;
      const cases = Object.entries(spec.cases)
        .filter(([_, shape]) => !refuses?.(shape) && flops(shape) <= most)
        .map(([title, shape]) => ({ title, shape, calls: callsOf(spec, shape, variant) }))
        .filter(({ calls }) => uses(calls))
        .sort((a, b) => flops(a.shape) - flops(b.shape))
        .map(({ calls, ...rest }) => ({ variant, ...rest, shaders: calls.map(({ shader }) => shader.name) }));
      return cases.length > 0 ? [{ spec, cases }] : [];
    }),
  );
}

function callsOf({ kernel }: AnySpec, shape: unknown, variant: string): readonly Call[] {
  const tensors = Object.entries(kernel.sizes(shape)).map(([label, size]) => [label, { label, size }]);
  return op(kernel, 'trial', shape as object, Object.fromEntries(tensors), variant).calls;
}

/** Shaders that the step uses but no case runs; all shaders if no case runs any. */
function uncovered(names: ReadonlySet<string>, affected: readonly Op[], tried: readonly Tried[]): string[] {
  const inStep = affected.flatMap(({ calls }) => calls.map(({ shader }) => shader.name));
  const covered = new Set(tried.flatMap(({ cases }) => cases.flatMap(({ shaders }) => shaders)));
  if (tried.length === 0) return [...names];
  return [...new Set(inStep)].filter((name) => names.has(name) && !covered.has(name));
}

const heaviest = (ops: readonly Op[]): Op | undefined =>
  ops.toSorted((a, b) => b.cost.flops - a.cost.flops || b.cost.bytes - a.cost.bytes)[0];

/** Its dispatches keep the shipped shaders, whatever is replaced from then on. */
const withShippedShaders = (timed: Op): Op => ({
  ...timed,
  calls: timed.calls.map((call) => ({ ...call, shader: { ...call.shader } })),
});

const timeBoth = ({ gpu }: Engine, shipped: Op, edited: Op): Promise<TrialTimes> =>
  withOp(gpu, shipped, (a) =>
    withOp(gpu, edited, async (b) => {
      const timer = await Timer.create(gpu, a);
      try {
        const times = await timeByTurns(timer, a, b);
        const { kernel, layer } = edited;
        return { kernel, layer, shipped: times.a, edited: times.b, rounds: times.rounds, clock: timer.kind };
      } finally {
        timer.destroy();
      }
    }),
  );
