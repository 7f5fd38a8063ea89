/** How many pipelines are compiled at once, and in which order. */
import { afterEach, expect, test, vi } from 'vitest';
import type { Progress } from '../../src/base/events';
import { Compiler } from '../../src/gpu/compiler';
import type { Shader } from '../../src/plan/shader';
import { refused } from '../lib/refused';

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

/** A compiler whose driver finishes a pipeline when the test says so, and what the compiler has asked the driver for. */
function compilerOf(cores: number | undefined, deadline = 10, onProgress?: (progress: Progress) => void) {
  vi.stubGlobal('navigator', { hardwareConcurrency: cores });
  const asked: string[] = [];
  const finish = new Map<string, { resolve(): void; reject(error: Error): void }>();
  const device = {
    pushErrorScope() {},
    popErrorScope: async () => null,
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createShaderModule: () => ({ getCompilationInfo: async () => ({ messages: [] }) }),
    createComputePipelineAsync({ label }: { label: string }) {
      asked.push(label);
      return new Promise((resolve, reject) => finish.set(label, { resolve: () => resolve({}), reject }));
    },
  } as unknown as GPUDevice;
  const same = <T>(promise: Promise<T>) => promise;
  const compiler = new Compiler({ device, checkAlive() {}, wait: same, settle: same, onProgress }, deadline);
  return { compiler, asked, finish };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

test.each([
  [2, 3],
  [5, 4],
  [16, 10],
  [undefined, 4],
])('with %s cores the compiler has at most %s pipelines under way', async (cores, most) => {
  const { compiler, asked, finish } = compilerOf(cores);
  const all = Array.from({ length: 12 }, (_, i) =>
    compiler.pipeline(shader(`${i}`)).compiled.catch(() => {}),
  );
  for (let ended = 0; ended < 12; ended++) {
    await turn();
    await vi.waitFor(() => expect(asked).toHaveLength(Math.min(12, ended + most)));
    // One that is refused gives its place up as well.
    if (ended % 2) finish.get(`${ended}`)!.resolve();
    else finish.get(`${ended}`)!.reject(new Error('refused'));
  }
  await Promise.all(all);
});

test('pipelines that a program needs are compiled before those that the tuner measures, in the order of asking', async () => {
  const { compiler, asked, finish } = compilerOf(2);
  for (const name of 'abcdef') void compiler.pipeline(shader(name), false);
  for (const name of ['g', 'e']) void compiler.pipeline(shader(name));
  await turn();
  for (const name of 'abcegdf') {
    finish.get(name)!.resolve();
    await turn();
  }
  expect(asked.join('')).toBe('abcegdf');
});

test('a late pipeline gives its place up once, and is still delivered', async () => {
  const { compiler, asked, finish } = compilerOf(2, 0.05);
  const all = [...'abcdefgh'].map((name) => compiler.pipeline(shader(name)));
  await Promise.all(all.slice(0, 3).map(({ late }) => late));
  expect(asked.join('')).toBe('abcdef');
  for (const name of 'abc') finish.get(name)!.resolve();
  await Promise.all(all.slice(0, 3).map(({ compiled }) => compiled));
  expect(asked.join('')).toBe('abcdef');
  finish.get('d')!.resolve();
  await all[3].compiled;
  await turn();
  expect(asked.join('')).toBe('abcdefg');
});

test('pipelines that a browser compiles one after the other, as Safari up to 26.6 does, are late once none has ended for a deadline', async () => {
  vi.useFakeTimers();
  const { compiler, finish } = compilerOf(2, 10);
  const late: string[] = [];
  for (const name of 'abc') {
    const compilation = compiler.pipeline(shader(name));
    void compilation.late.then(() => {
      if (!compilation.ended) late.push(name);
    });
  }
  for (const name of 'ab') {
    await vi.advanceTimersByTimeAsync(8000);
    finish.get(name)!.resolve();
  }
  await vi.advanceTimersByTimeAsync(8000);
  expect(late).toEqual([]);
  await vi.advanceTimersByTimeAsync(3000);
  expect(late).toEqual(['c']);
});

test('the promise that a pipeline is late settles once it came or was refused, so as not to stay in memory', async () => {
  const { compiler, finish } = compilerOf(8);
  const [came, refused] = ['came', 'refused'].map((name) => compiler.pipeline(shader(name)));
  await turn();
  finish.get('came')!.resolve();
  finish.get('refused')!.reject(new Error('refused'));
  await Promise.allSettled([came.compiled, refused.compiled]);
  const late = Promise.all([came.late, refused.late]);
  expect(await Promise.race([late.then(() => 'settled'), turn()])).toBe('settled');
});

/** The last of what `onProgress` is called with. */
function lastOf() {
  const told: Progress[] = [];
  return { onProgress: (progress: Progress) => void told.push(progress), last: () => told.at(-1) };
}

test('progress ends without a late pipeline that is only measured, and does not count it in what follows', async () => {
  const { onProgress, last } = lastOf();
  const { compiler, finish } = compilerOf(8, 0.05, onProgress);
  const slow = compiler.pipeline(shader('slow'), false);
  const quick = compiler.pipeline(shader('quick'));
  await turn();
  finish.get('quick')!.resolve();
  await quick.compiled;
  expect(last()).toEqual({ task: 'compiling', done: 1, total: 2 });
  await slow.late;
  expect(last()).toEqual({ task: 'compiling', done: 2, total: 2 });
  const next = compiler.pipeline(shader('next'));
  await turn();
  finish.get('next')!.resolve();
  await next.compiled;
  finish.get('slow')!.resolve();
  await slow.compiled;
  expect(last()).toEqual({ task: 'compiling', done: 1, total: 1 });
});

test('progress of a late pipeline that a program awaits goes on until it comes or is given up', async () => {
  const { onProgress, last } = lastOf();
  const { compiler, finish } = compilerOf(8, 0.05, onProgress);
  const compilation = compiler.pipeline(shader('slow'));
  await compilation.late;
  compiler.tellLate(compilation, 'conv2d.direct', 10);
  expect(last()).toEqual({ task: 'compiling', done: 0, total: 1, kernel: 'conv2d.direct', seconds: 10 });
  compiler.count(compilation);
  expect(last()).toEqual({ task: 'compiling', done: 1, total: 1 });
  // Something else awaits it after all.
  compiler.tellLate(compilation, 'conv2d.direct', 20);
  expect(last()).toMatchObject({ done: 0, total: 1, seconds: 20 });
  finish.get('slow')!.resolve();
  await compilation.compiled;
  expect(last()).toEqual({ task: 'compiling', done: 1, total: 1 });
});

test('a shader text that does not load is an error of code data, and is loaded again at the next call', async () => {
  const { compiler, finish } = compilerOf(8);
  let calls = 0;
  const code = async () => {
    if (calls++ === 0) throw new TypeError('Failed to fetch');
    return '';
  };
  const once = { ...shader('once'), code };
  await refused(
    compiler.pipeline(once).compiled,
    'data',
    /could not be loaded: Failed to fetch\. Call again/,
  );
  const { compiled } = compiler.pipeline(once);
  await turn();
  finish.get('once')!.resolve();
  await compiled;
  expect(calls).toBe(2);
});
