/** The house rules that need no GPU: twins, limits, and that every launcher can be launched. */
import { readdirSync, readFileSync } from 'node:fs';
import { texts } from 'virtual:shaders';
import { describe, expect, test } from 'vitest';
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { type AnySpec, shaders, specs } from '../../harness/specs/lib/registry';
import {
  assembleText,
  fileGroup,
  readText,
  referencesModule,
  shaderSources,
  wgslFiles,
} from '../../shaders/plugin';
import { requirements } from '../../src/gpu/request_device';
import { op } from '../../src/plan/op';
import type { Reference } from '../../src/plan/reference';
import type { Shader } from '../../src/plan/shader';
import { tensor } from '../../src/plan/tensor';

const { limits } = requirements;

const nameOf = (path: string) => path.replace(/^.*\/|\.\w+$/g, '');
const launchers: ReadonlySet<string> = new Set(
  Object.keys(import.meta.glob('../../src/kernels/*.ts')).map(nameOf),
);
const referenceModules = import.meta.glob<{ reference: Reference<never> }>('../../src/reference/*.ts', {
  eager: true,
});
const references: ReadonlyMap<string, Reference<never>> = new Map(
  Object.entries(referenceModules).map(([path, { reference }]) => [nameOf(path), reference]),
);

test('every kernel has its four files, and its spec names it and its reference', () => {
  // An input gradient is a convolution: it has no shaders of its own.
  const kernels = [
    ...new Set([...shaders.keys(), 'conv2d_grad_input'].map((name) => name.split('.')[0])),
  ].sort();
  for (const twins of [launchers, references.keys(), specs.keys()])
    expect([...twins].sort()).toEqual(kernels);
  for (const [name, spec] of specs) {
    expect(spec.kernel.name).toBe(name);
    expect(spec.reference, name).toBe(references.get(name));
  }
});

test('shaders for GPUs import no file that has a version for GPUs', () => {
  const files = wgslFiles();
  const loaded = new Set<string>();
  for (const [name, source] of shaderSources()) {
    if (!/gpu/.test(name)) continue;
    assembleText(source, (file) => {
      loaded.add(fileGroup(file));
      return readText(file);
    });
  }
  const all = files.filter((file) => loaded.has(fileGroup(file)));
  expect(all).toContain('conv2d/one_channel/conv2d.one_output_gpu.wgsl');
  expect(all.filter((file) => files.includes(file.replace('.wgsl', '_gpu.wgsl')))).toEqual([]);
});

test('the build fails where a kernel has no reference', () => {
  expect(referencesModule(['swish'])).toContain('src/reference/swish.ts');
  expect(() => referencesModule(['swish', 'swoosh'])).toThrow(
    'The kernel swoosh needs src/reference/swoosh.ts.',
  );
});

test.each([
  ['queue.submit', /\.submit\(\[/, ['gpu/gpu.ts', 'gpu/stopwatch.ts']],
  ['queue.writeBuffer', /\.writeBuffer\(/, ['gpu/gpu.ts', 'gpu/program.ts']],
])('%s is called in src/gpu only, where error scopes are open', (_, call, files) => {
  const source = new URL('../../src/', import.meta.url);
  const calling = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .filter((file) => call.test(readFileSync(new URL(file, source), 'utf8')));
  expect(calling.sort()).toEqual(files);
});

/** Bytes of the variables that the invocations of a workgroup share. */
function workgroupBytes({ name }: Shader): number {
  const code = texts[name];
  const types = [...code.matchAll(/var<workgroup>\s*\w+\s*:\s*([^;=]+);/g)].map(([_, type]) => type);
  if (types.length === 0) return 0;
  const struct = `struct AllOfThem {\n${types.map((type, i) => `  v${i}: ${type},`).join('\n')}\n}`;
  const bytes = new WgslReflect(`${code}\n${struct}`).getStructInfo('AllOfThem')?.size;
  if (!bytes) throw new Error(`The size of ${types.join(' and ')} is not known.`);
  return bytes;
}

describe('every shader fits the limits that any device offers', () => {
  test.each([...shaders])('%s', (_, shader) => {
    const [x, y, z] = shader.workgroupSize;
    expect(x * y * z).toBeLessThanOrEqual(limits.maxComputeInvocationsPerWorkgroup);
    expect(x).toBeLessThanOrEqual(limits.maxComputeWorkgroupSizeX);
    expect(z).toBeLessThanOrEqual(64);
    expect(Object.keys(shader.bindings).length).toBeLessThanOrEqual(limits.maxStorageBuffersPerShaderStage);
    expect(workgroupBytes(shader)).toBeLessThanOrEqual(limits.maxComputeWorkgroupStorageSize);
  });
});

test('the workgroup sizes that requestDevice asks for are the largest that shaders use', () => {
  const sizes = [...shaders.values()].map(({ workgroupSize }) => workgroupSize);
  expect(limits.maxComputeInvocationsPerWorkgroup).toBe(Math.max(...sizes.map(([x, y, z]) => x * y * z)));
  expect(limits.maxComputeWorkgroupSizeX).toBe(Math.max(...sizes.map(([x]) => x)));
});

/** The calls of a variant on a shape, or undefined where it refuses it. */
function callsOf({ kernel }: AnySpec, shape: unknown, variant: string) {
  if (kernel.variants[variant].refuses?.(shape)) return undefined;
  const sizes = Object.entries(kernel.sizes(shape));
  return op(kernel, 'test', shape, Object.fromEntries(sizes.map(([n, s]) => [n, tensor(n, s)])), variant)
    .calls;
}

describe.each([...specs])('the kernel %s', (name, spec) => {
  const shapes = [spec.cases, ...[1, 7, 64, 256].map(spec.bench)].flatMap((table) => Object.values(table));

  test('does every shape with its first variant', () => {
    const [first] = Object.keys(spec.kernel.variants);
    for (const shape of shapes) expect(callsOf(spec, shape, first), JSON.stringify(shape)).toBeDefined();
  });

  test('has for each variant a case that this variant does', () => {
    const doing = Object.entries(spec.kernel.variants)
      .filter(([_, { refuses }]) => Object.values(spec.cases).some((shape) => !refuses?.(shape)))
      .map(([variant]) => variant);
    expect(doing).toEqual(Object.keys(spec.kernel.variants));
  });

  test('gives each shader the params and tensors that it declares', () => {
    for (const variant of Object.keys(spec.kernel.variants)) {
      for (const { shader, params, tensors, groups } of shapes.flatMap(
        (s) => callsOf(spec, s, variant) ?? [],
      )) {
        const fields = Object.keys(shader.params.fields).filter((field) => field !== 'first_group');
        expect(Object.keys(params).sort(), shader.name).toEqual(fields.sort());
        expect(Object.values(params).every(Number.isFinite), `${shader.name} ${JSON.stringify(params)}`).toBe(
          true,
        );
        expect(Object.keys(tensors).sort(), shader.name).toEqual(Object.keys(shader.bindings).sort());
        expect(Math.max(...groups)).toBeLessThanOrEqual(limits.maxComputeWorkgroupsPerDimension);
      }
    }
  });

  test('launches all its shaders', () => {
    const launched = Object.keys(spec.kernel.variants)
      .flatMap((variant) => shapes.flatMap((shape) => callsOf(spec, shape, variant) ?? []))
      .map(({ shader }) => shader.name);
    const own = [...shaders.keys()].filter((shader) => shader.split('.')[0] === name);
    expect(own.filter((shader) => !launched.includes(shader))).toEqual([]);
  });
});
