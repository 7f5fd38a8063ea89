/** Kernels that compute rightly in small cases, and wrongly from some size on. */

import { createEngine, type Warning } from '../../../src/index';
import { memoryCache } from '../../../src/trust/cache';
import type { UnusableKernel } from '../../../src/trust/unusable_kernel';
import { furnish, type Network } from '../checked_networks';
import { MAIN, makeHostile } from './hostile_device';

/** Where a shader is wrong. */
export interface WrongWhere {
  /** From this width of the image on, where the shader knows it. */
  readonly width?: number;
  /** From this number of images on. */
  readonly batch?: number;
  /** In the channels from this one on, where it stores images by channel. */
  readonly channel?: number;
  /** In the last workgroup, where there are more than this number. */
  readonly lastOf?: number;
}

/** What it stores there, as a share of what it should: 5% too much, or nothing. */
const SHARE = '1.05';
const NOTHING = '0.0';

/** The text of a shader that is wrong there, or undefined if it knows no such size, or stores no floats. */
export function wrongText(text: string, where: WrongWhere): string | undefined {
  const stored = [...text.matchAll(/var<storage, read_write> (\w+): array<(?:Lane|f32|vec[24]f)>/g)].map(
    ([_, name]) => name,
  );
  const condition = conditionFor(text, where);
  const main = MAIN.exec(text);
  if (stored.length === 0 || condition === undefined || !main) return undefined;
  const store = new RegExp(`\\b(${stored.join('|')})\\[((?:[^\\[\\]]|\\[[^\\]]*\\])+)\\] = ([^;]+);`, 'g');
  if (!store.test(text)) return undefined;
  const [head, given] = main;
  const missing: string[] = [];
  const builtin = (name: string) => {
    const known = new RegExp(`@builtin\\(${name}\\)\\s*(\\w+)`).exec(given)?.[1];
    if (!known) missing.push(`@builtin(${name}) fault_${name}: vec3u`);
    return known ?? `fault_${name}`;
  };
  const [group, groups] = ['workgroup_id', 'num_workgroups'].map(builtin);
  const parameters = [given.trim().replace(/,$/, ''), ...missing].filter((p) => p !== '').join(', ');
  const factor = where.lastOf === undefined ? SHARE : NOTHING;
  return text
    .replace(store, (_, name, index, value) => `${name}[${index}] = fault_share(${index}) * (${value});`)
    .replace(
      head,
      `var<private> fault_group: vec3u;
      var<private> fault_groups: vec3u;
      fn fault_share(at: u32) -> f32 { return select(1.0, ${factor}, ${condition}); }
      fn main(${parameters}) {
        fault_group = ${group};
        fault_groups = ${groups};`,
    )
    .replace(/(@compute[^\n]*)\s*(var<private>[\s\S]*?)(fn main\()/, '$2\n$1\n$3');
}

function conditionFor(text: string, { width, batch, channel, lastOf }: WrongWhere): string | undefined {
  const params = /struct Params \{([^}]*)\}/.exec(text)?.[1] ?? '';
  const has = (name: string) => new RegExp(`\\b${name}: u32`).test(params);
  const lane = /alias Lane = vec2f/.test(text) ? 2 : 1;
  const [images, each] = has('n4') ? ['n4', 4] : [has('images') ? 'images' : 'batch', lane];
  if (width !== undefined) return has('width') ? `params.width >= ${width}u` : undefined;
  if (batch !== undefined) return has(images) ? `params.${images} >= ${Math.ceil(batch / each)}u` : undefined;
  if (channel !== undefined) {
    if (!has('width') || !has('height') || !has(images) || /grad_kernel/.test(text)) return undefined;
    return `at >= ${channel}u * params.width * params.height * params.${images}`;
  }
  return `fault_groups.x * fault_groups.y * fault_groups.z > ${lastOf}u && all(fault_group + vec3u(1) == fault_groups)`;
}

export type World = Awaited<ReturnType<typeof furnish>>;

/** Works on a device with shaders that are wrong somewhere, up to the first error. */
export async function onWrong<T>(
  device: GPUDevice,
  network: Network,
  shader: RegExp,
  where: WrongWhere,
  work: (world: World) => Promise<T>,
  options: Parameters<typeof createEngine>[0] = {},
) {
  const planted = new Set<string>();
  using _ = makeHostile(device, {
    rewrites(name, text) {
      const wrong = shader.test(name) ? wrongText(text, where) : undefined;
      if (wrong) planted.add(name);
      return wrong ?? text;
    },
  });
  const warnings: Warning[] = [];
  const onWarning = (warning: Warning) => warnings.push(warning);
  using engine = await createEngine({ device, tuningCache: memoryCache(), onWarning, ...options });
  try {
    return { planted, warnings, result: await work(await furnish(engine, network, 2)), error: undefined };
  } catch (error) {
    return { planted, warnings, result: undefined, error: error as UnusableKernel };
  }
}

/** Trains for four steps. */
export async function fourSteps({ trainer, dataset }: World, losses: number[] = []) {
  for await (const { loss } of trainer.fit(dataset, { epochs: 2 })) losses.push(loss);
  return { losses, variants: trainer.variants };
}
