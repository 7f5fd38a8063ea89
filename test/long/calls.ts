/** Every call of a device fails once, in every way there is. */
import { EngineError } from '../../src/base/errors';
import type { EngineOptions } from '../../src/index';
import { installWebGPU } from '../../src/node';
import { type FailingDevice, failuresOf, lossesOf, type Planned } from '../lib/failing_device';
import { createWorld, type Made, subjects, type World } from '../lib/subjects';
import { all, type Row } from './row';

/** Where a pipeline is refused, another form may take its place. */
const OF_PIPELINES =
  /^create(BindGroupLayout|PipelineLayout|ShaderModule|ComputePipelineAsync)$|^popErrorScope$/;

interface Given extends World {
  readonly made: Made;
}

/** Does `work` with a subject and a device of its own, which ends with it. */
async function withSubject<T>(name: string, work: (given: Given) => Promise<T>, options: EngineOptions = {}) {
  await installWebGPU();
  const ends: (() => void)[] = [];
  try {
    const unchecked = { selfCheck: false, tune: false, maxSubmitMilliseconds: 10_000, ...options };
    const world = await createWorld({ onWarning: () => {}, ...unchecked }, (end) => ends.push(end));
    return await work({ ...world, made: await subjects[name].make(world) });
  } finally {
    for (const end of ends) end();
  }
}

/** Uses it from the state of before. */
async function use({ made }: Given): Promise<unknown> {
  await made.again?.();
  return made.use();
}

async function callsOf(given: Given): Promise<readonly string[]> {
  given.failing.watch();
  await use(given);
  given.failing.unwatch();
  return given.failing.calls;
}

/** What is wrong with what came of a planned failure, or nothing. `mayDo`: another kernel may do what failed. */
function complaint(
  failing: FailingDevice,
  { name, failure }: Planned,
  error: unknown,
  mayDo = false,
): string | undefined {
  if (!failing.unwatch()) return 'it did not happen';
  // It is tried once more.
  const isOvercome = name === 'mapAsync' && failure === 'rejected';
  const isDone = error === undefined && (mayDo || isOvercome);
  if (!isDone && (isOvercome || !(error instanceof EngineError))) return `the error is ${error}`;
  if (error instanceof EngineError && failure === 'lost' && error.code !== 'device-lost')
    return `the error is ${error.code}: ${error.message}`;
  if (failing.openScopes > 0) return `${failing.openScopes} error scopes are left open`;
  if (failing.uncaught.length > 0) return `the owner of the device got uncaught errors: ${failing.uncaught}`;
  return undefined;
}

/** Uses it while a call fails; what is wrong with that. */
async function failing(given: Given, plan: Planned, mayDo?: boolean): Promise<string | undefined> {
  const { failing } = given;
  failing.watch(plan);
  const error = await use(given).then(
    () => undefined,
    (error) => error,
  );
  // Uncaught errors come late.
  if (plan.failure !== 'lost') await failing.device.queue.onSubmittedWorkDone();
  return complaint(failing, plan, error, mayDo);
}

/**
 * The engine waits some time for a device that rejects or refuses something to say that it is lost. No device here says it late, so the wait
 * becomes 0 ms. Gives back what undoes this.
 */
function hurry(): () => void {
  const { setTimeout } = globalThis;
  const hurried = (work: () => void, ms?: number) => setTimeout(work, ms === 3000 || ms === 500 ? 0 : ms);
  globalThis.setTimeout = hurried as typeof setTimeout;
  return () => {
    globalThis.setTimeout = setTimeout;
  };
}

/**
 * Collects the pipelines that are dropped: of lavapipe each holds mappings of memory, and with more than Linux allows a process (65,530) the
 * driver crashes.
 */
function collect(): void {
  process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc');
  process.getBuiltinModule('node:vm').runInNewContext('gc')();
}

const nameOf = ({ name, nth, failure }: Planned) => `${name} ${nth} (${failure})`;

/** Tries each plan: `n of n`, or an error that lists what is wrong. */
async function tryEach(
  plans: readonly Planned[],
  complaintOf: (plan: Planned) => Promise<string | undefined>,
  what: string,
): Promise<string> {
  const faults: string[] = [];
  for (const [i, plan] of plans.entries()) {
    if (i % 32 === 0) collect();
    const fault = await complaintOf(plan);
    if (fault) faults.push(`${nameOf(plan)}: ${fault}`);
  }
  if (faults.length > 0) throw new Error(`${faults.length} faults:\n${faults.join('\n')}`);
  return all(plans.length, plans.length, what);
}

/** Uses it on one engine, with another call failing each time: each is a typed error, no buffer stays, and the next use gives the same bits. */
const failEach = (name: string) =>
  withSubject(name, async (given) => {
    const result = async () => JSON.stringify(await use(given));
    const expected = await result();
    const before = given.failing.labels.join();
    const { makes } = subjects[name];
    const fails = async (plan: Planned) => {
      const fault = await failing(given, plan, makes && OF_PIPELINES.test(plan.name));
      const now = await result().catch((later) => `${later}`);
      if (fault) return fault;
      if (now !== expected) return `afterwards ${now.slice(0, 200)}`;
      return given.failing.labels.join() === before ? undefined : `it leaves ${given.failing.labels}`;
    };
    return tryEach(failuresOf(await callsOf(given)), fails, ' typed, then the same bits');
  });

/** Makes it on an engine each that checks its kernels as at its first start, with another call failing each time. */
async function failChecked(name: string): Promise<string> {
  const options = { selfCheck: true };
  const calls = await withSubject(name, callsOf, options);
  const fails = (plan: Planned) => withSubject(name, (given) => failing(given, plan, true), options);
  return tryEach(failuresOf(calls), fails, ' typed, or another form');
}

/** Loses a device of its own at each call. */
async function loseEach(name: string): Promise<string> {
  const loses = (plan: Planned) =>
    withSubject(name, async (given) => {
      const fault = await failing(given, plan);
      const later = await given.made.use().catch(({ code }) => code);
      return fault ?? (later === 'device-lost' ? undefined : `afterwards ${later}`);
    });
  return tryEach(lossesOf(await withSubject(name, callsOf)), loses, ' typed');
}

const inHurry = (run: (name: string) => Promise<string>) => async (name: string) => {
  const undo = hurry();
  try {
    return await run(name);
  } finally {
    undo();
  }
};
const rows = (what: string, run: (name: string) => Promise<string>, names: readonly string[]): Row[] =>
  names.map((name) => ({ name: `${what}: ${name}`, run: () => run(name) }));

/**
 * As many calls each time: neither the clock nor another seed decides. A distiller destroys its trainer, whose last submission, for other
 * trainers of the network, nothing waits for.
 */
const steady = Object.keys(subjects).filter((name) => !/runFor|prepare|distiller/.test(name));
const checked = ['engine.createTrainer', 'engine.createSampler'];
export const calls: readonly Row[] = [
  ...rows('calls that fail', inHurry(failEach), steady),
  ...rows('calls that fail, with the self-check', inHurry(failChecked), checked),
  ...rows('calls during which the device is lost', loseEach, ['trainer.step', 'sampler.sample']),
];
