/** --tune, --no-tune, --variants. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { kernelChoice, Preparations } from '../../harness/cli/kernel_flags';
import { Progress } from '../../harness/cli/progress';
import { variantLines } from '../../harness/text/kernels_text';
import { temporaryFolder } from '../lib/system';

const folder = temporaryFolder(afterAll);

async function file(content: unknown, name = 'variants.json'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

test('without --variants, the engine chooses the kernels', async () => {
  expect(await kernelChoice({})).toEqual({});
  expect(await kernelChoice({ tune: true })).toEqual({ tune: true });
  expect(await kernelChoice({ 'no-tune': true })).toEqual({ tune: false });
});

test('--variants takes a list, a JSON file, or the record of a run', async () => {
  const variants = { 'conv2d/down.1': 'winograd4', 'conv2d/up.2': 'one_output' };
  const list = 'conv2d/down.1=winograd4, conv2d/up.2=one_output';
  expect(await kernelChoice({ variants: list })).toEqual({ variants });
  expect(await kernelChoice({ variants: await file(variants) })).toEqual({ variants });
  expect(await kernelChoice({ variants: await file(variants, 'lr=3e-3.json') })).toEqual({ variants });
  expect(await kernelChoice({ variants: await file({ settings: { seed: 1, variants } }) })).toEqual({
    variants,
  });
});

test('kernel flags that contradict each other or cannot be read are refused in one line', async () => {
  const refused = async (given: Parameters<typeof kernelChoice>[0]) => {
    const error = await kernelChoice(given).then(
      () => undefined,
      (e: Error) => e,
    );
    expect(error?.message.split('\n')).toHaveLength(1);
    return error?.message;
  };
  expect(await refused({ tune: true, 'no-tune': true })).toContain('--tune and --no-tune');
  expect(await refused({ tune: true, variants: 'a/b=c' })).toContain('--tune and --variants');
  expect(await refused({ variants: 'conv2d/down.1=' })).toContain(
    '"conv2d/down.1="; it must be KERNEL/LAYER=VARIANT',
  );
  expect(await refused({ variants: 'a/b=c,d' })).toContain('"d"');
  expect(await refused({ variants: 'a=b=c' })).toContain('"a=b=c"');
  expect(await refused({ variants: 'a/b=c,a/b=d' })).toContain('twice');
  expect(await refused({ variants: join(folder, 'none') })).toContain('no such file');
  for (const content of ['', 'x', '[]', 'null', '{"a": 1}', '{"settings": {"variants": []}}'])
    expect(await refused({ variants: await file(content) }), content).toContain('holds no variants');
});

test('the chosen variants are listed kernel by kernel', () => {
  const variants = { 'a/x': 'plain', 'a/y': 'fast', 'a/z': 'plain', 'b/x': 'plain' };
  expect(variantLines(variants)).toEqual(['a: plain (x z), fast (y)', 'b: plain (x)']);
  expect(variantLines({ conditioning: 'gpu' })).toEqual(['conditioning: gpu']);
  expect(variantLines({})).toEqual([]);
});

test('each message about a shader that compiles for long is printed', () => {
  let told = '';
  const write = (text: string) => {
    told += text;
    return true;
  };
  const progress = new Progress({ isTTY: false, write } as unknown as NodeJS.WriteStream);
  const { onProgress } = new Preparations(progress);
  for (const seconds of [10, 20])
    onProgress({ task: 'compiling', done: 3, total: 5, kernel: 'conv2d.winograd7', seconds });
  expect(told.split('\n')).toEqual([
    'Compiling conv2d.winograd7, for 10 s so far: 3 of 5',
    'Compiling conv2d.winograd7, for 20 s so far: 3 of 5',
    '',
  ]);
});

test('the origin of a kernel choice is named: given, not measured, or measured now or before', () => {
  const quiet = new Progress({ isTTY: false, write: () => true } as unknown as NodeJS.WriteStream);
  const preparations = new Preparations(quiet);
  expect(preparations.origin({ tune: false }, true)).toBe('as given');
  expect(preparations.origin({ tune: false }, false)).toContain('not measured');
  expect(preparations.origin({ tune: true }, false)).toContain('measured before');
  preparations.onProgress({ task: 'compiling', done: 1, total: 2 });
  expect(preparations.origin({ tune: true }, false)).toContain('measured before');
  preparations.onProgress({ task: 'tuning', done: 3, total: 9 });
  expect(preparations.origin({ tune: true }, false)).toMatch(
    /of the 3 heaviest shapes of 9, measured in .* the usual ones for the rest/,
  );
  preparations.onProgress({ task: 'tuning', done: 9, total: 9 });
  expect(preparations.origin({ tune: true }, false)).toMatch(/^the fastest, measured in \d/);
});
