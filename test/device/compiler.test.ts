/** How many pipelines are compiled at once, and in which order. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Progress } from '../../src/base/events';
import { Compiler } from '../../src/gpu/compiler';
import '../../src/gpu/trouble'; // nothing loads while timers are fakes
import type { Shader } from '../../src/plan/shader';
import { refused } from '../lib/refused';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const shader = (name: string): Shader => ({
  name,
  hash: '',
  code: async () => '',
  workgroupSize: [1, 1, 1],
  params: { size: 0, fields: {} },
  bindings: {},
});

/** A compiler whose pipelines are late after 10 s, and whose driver finishes one when the test says so; what it has asked the driver for, and told. */
function compilerOf(cores: number | undefined) {
  vi.stubGlobal('navigator', { hardwareConcurrency: cores });
  const asked: string[] = [];
  const ends = new Map<string, (result: unknown) => void>();
  const device = {
    pushErrorScope() {},
    popErrorScope: async () => null,
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createShaderModule: () => ({ getCompilationInfo: async () => ({ messages: [] }) }),
    createComputePipelineAsync({ label }: { label: string }) {
      asked.push(label);
      return new Promise((resolve) => ends.set(label, resolve));
    },
  } as unknown as GPUDevice;
  const same = <T>(promise: Promise<T>) => promise;
  const told: Progress[] = [];
  const onProgress = (progress: Progress) => void told.push(progress);
  const compiler = new Compiler({ device, checkAlive() {}, wait: same, settle: same, onProgress }, 10);
  const end = (name: string, result: unknown) => {
    ends.get(name)!(result);
    return seconds(0);
  };
  return {
    compiler,
    /** Names of shaders, which are one character each. */
    asked: () => asked.join(''),
    /** Asks for them. */
    ask: (names: string, isNeeded = true) =>
      [...names].map((name) => {
        const compilation = compiler.pipeline(shader(name), isNeeded);
        compilation.compiled.catch(() => {});
        return compilation;
      }),
    finish: (name: string) => end(name, {}),
    refuse: (name: string) => end(name, Promise.reject(new Error('refused'))),
    progress: () => told.at(-1),
  };
}

const seconds = (count: number) => vi.advanceTimersByTimeAsync(1000 * count);

test.each([
  [5, 4],
  [16, 10],
  [undefined, 4],
])('with %s cores the compiler has at most %s pipelines under way', async (cores, most) => {
  const { ask, asked, finish, refuse } = compilerOf(cores);
  const names = 'abcdefghijkl';
  ask(names);
  await seconds(0);
  for (let ended = 0; ended < names.length; ended++) {
    expect(asked()).toBe(names.slice(0, ended + most));
    // One that is refused gives its place up as well.
    await (ended % 2 ? finish : refuse)(names[ended]);
  }
});

test('pipelines that a program needs are compiled before those that the tuner measures, in the order of asking', async () => {
  const { ask, asked, finish } = compilerOf(2);
  ask('abcdef', false);
  ask('ge');
  await seconds(0);
  for (const name of 'abcegdf') await finish(name);
  expect(asked()).toBe('abcegdf');
});

test('a late pipeline gives its place up once, and is still delivered', async () => {
  const { ask, asked, finish } = compilerOf(2);
  const all = ask('abcdefgh');
  await seconds(11);
  expect(asked()).toBe('abcdef');
  for (const name of 'abc') await finish(name);
  await Promise.all(all.slice(0, 3).map(({ compiled }) => compiled));
  expect(asked()).toBe('abcdef');
  await finish('d');
  expect(asked()).toBe('abcdefg');
});

test('pipelines that a browser compiles one after the other, as Safari up to 26.6 does, are late once none has ended for a deadline', async () => {
  const { ask, finish } = compilerOf(2);
  const late: string[] = [];
  for (const name of 'abc') {
    const [compilation] = ask(name);
    void compilation.late.then(() => {
      if (!compilation.ended) late.push(name);
    });
  }
  for (const name of 'ab') {
    await seconds(8);
    await finish(name);
  }
  await seconds(8);
  expect(late).toEqual([]);
  await seconds(3);
  expect(late).toEqual(['c']);
});

test('the promise that a pipeline is late settles once it came or was refused, so as not to stay in memory', async () => {
  const { ask, finish, refuse } = compilerOf(8);
  const settled = vi.fn();
  for (const { late } of ask('ab')) void late.then(settled);
  await seconds(0);
  await finish('a');
  await refuse('b');
  expect(settled).toHaveBeenCalledTimes(2);
});

test('progress ends without a late pipeline that is only measured, and does not count it in what follows', async () => {
  const { ask, finish, progress } = compilerOf(8);
  ask('s', false);
  ask('q');
  await seconds(0);
  await finish('q');
  expect(progress()).toEqual({ task: 'compiling', done: 1, total: 2 });
  await seconds(11);
  expect(progress()).toEqual({ task: 'compiling', done: 2, total: 2 });
  ask('n');
  await seconds(0);
  for (const name of 'ns') await finish(name);
  expect(progress()).toEqual({ task: 'compiling', done: 1, total: 1 });
});

test('progress of a late pipeline that a program awaits goes on until it comes or is given up', async () => {
  const { compiler, ask, finish, progress } = compilerOf(8);
  const [compilation] = ask('s');
  await seconds(11);
  compiler.tellLate(compilation, 'conv2d.direct', 10);
  expect(progress()).toEqual({ task: 'compiling', done: 0, total: 1, kernel: 'conv2d.direct', seconds: 10 });
  compiler.count(compilation);
  expect(progress()).toEqual({ task: 'compiling', done: 1, total: 1 });
  // Something else awaits it after all.
  compiler.tellLate(compilation, 'conv2d.direct', 20);
  expect(progress()).toMatchObject({ done: 0, total: 1, seconds: 20 });
  await finish('s');
  expect(progress()).toEqual({ task: 'compiling', done: 1, total: 1 });
});

test('a shader text that does not load is an error of code data, and is loaded again at the next call', async () => {
  const { compiler, finish } = compilerOf(8);
  const code = vi.fn(async () => '').mockRejectedValueOnce(new TypeError('Failed to fetch'));
  const once = { ...shader('once'), code };
  const why = /could not be loaded: Failed to fetch\. Call again/;
  await refused(compiler.pipeline(once).compiled, 'data', why);
  const { compiled } = compiler.pipeline(once);
  await seconds(0);
  await finish('once');
  await compiled;
  expect(code).toHaveBeenCalledTimes(2);
});
