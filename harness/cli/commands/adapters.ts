/** `adapters`: lists the adapters that can be used here, and what is missing. */

import { EngineError } from '../../../src/base/errors';
import { describeAdapter } from '../../../src/gpu/adapter';
import { requirements } from '../../../src/gpu/request_device';
import { nodeGpu } from '../../../src/node/dawn';
import { adapterText } from '../../text/adapter_text';
import { type Command, defineCommand } from '../args';
import { inColour } from '../colours';
import { summaries } from '../summaries';

export const adapters: Command = defineCommand({
  name: 'adapters',
  summary: summaries.adapters,
  usage: '',
  flags: {},
  async run() {
    const found = await nodeAdapters();
    await browsers();
    return found ? 0 : 1;
  },
});

/** Lists Node's adapters; returns whether one of them is sufficient. */
async function nodeAdapters(): Promise<boolean> {
  console.log(inColour('bold', 'Node (npm package webgpu, Dawn)'));
  let gpu: GPU;
  try {
    gpu = await nodeGpu();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    console.log(`  missing: ${error.message}`);
    return false;
  }
  const seen = new Map<string, GPUAdapter>();
  for (const powerPreference of ['high-performance', 'low-power'] as const) {
    const adapter = await gpu.requestAdapter({ powerPreference });
    if (!adapter) continue;
    const name = JSON.stringify(describeAdapter(adapter.info));
    seen.set(name, seen.get(name) ?? adapter);
  }
  if (seen.size === 0) {
    console.log(
      '  missing: no adapter. Update the graphics driver; on Linux, Dawn needs a Vulkan driver (Mesa has one in software too: apt-get install mesa-vulkan-drivers libvulkan1).',
    );
  }
  let usable = false;
  for (const adapter of seen.values()) usable = report(adapter, seen.size > 1 && !usable) || usable;
  return usable;
}

function report(adapter: GPUAdapter, isDefault: boolean): boolean {
  console.log(`  ${adapterText(describeAdapter(adapter.info))}${isDefault ? ' (used)' : ''}`);
  let fits = true;
  for (const [name, needed] of Object.entries(requirements.limits)) {
    const has = adapter.limits[name as keyof typeof requirements.limits];
    if (has < needed) fits = false;
    console.log(
      `    ${name.padEnd(34)} ${String(has).padStart(11)}  ${has < needed ? inColour('red', `TOO LOW: ${needed} needed`) : `ok, ${needed} needed`}`,
    );
  }
  for (const feature of requirements.optionalFeatures) {
    const has = adapter.features.has(feature);
    console.log(`    ${feature.padEnd(34)} ${(has ? 'yes' : 'no').padStart(11)}  ${optional[feature]}`);
  }
  return fits;
}

const optional: Readonly<Record<(typeof requirements.optionalFeatures)[number], string>> = {
  subgroups: 'optional: some kernels are faster with it',
  'timestamp-query': "optional: the bench times by the GPU's own clock",
};

/** The browsers for `--in`, which works only in the repository. */
async function browsers(): Promise<void> {
  console.log(`\n${inColour('bold', 'Browsers (bench --in, check --in)')}`);
  let lane: typeof import('../../run/browsers');
  try {
    lane = await import('../../run/browsers');
  } catch {
    console.log(
      '  puppeteer, which starts them, is not installed; the page works in any browser with WebGPU.',
    );
    return;
  }
  for (const kind of ['chrome', 'firefox'] as const) {
    let path: string;
    try {
      path = lane.findBrowser(kind) ?? `not found: install it, or set ${lane.binaryVariable[kind]}`;
    } catch (error) {
      path = (error as Error).message;
    }
    console.log(`  ${kind.padEnd(8)} ${path}`);
  }
}
