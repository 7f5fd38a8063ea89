/**
 * `npm run gpu-code`: reports what the compiler of an absent GPU makes of each shader: registers, spills, instructions. It is for people
 * who write shaders on a machine without that GPU; it runs nothing. Mesa's drivers can compile for devices that they only emulate, and
 * `driver.c`, between Dawn and such a driver, records the statistics of each pipeline. Linux only.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shaders as allShaders } from 'virtual:shaders';
import { nodeGpu } from '../../../../src/node/dawn';
import type { Shader } from '../../../../src/plan/shader';
import { table } from '../../../../src/unet/describe';
import { readFlags, text } from '../../../cli/args';
import { prepareFile, writeWhole } from '../../../cli/files';
import { quietly } from '../../../cli/quiet';
import { matcher } from '../../../run/pattern';
import { guardsOf } from './guards';

const USAGE = `npm run gpu-code -- [--chip navi31] [--kernel 'gpu,tile'] [--driver libvulkan_radeon.so] [--json FILE]

Compiles every shader, or those whose names match --kernel, with a driver for a GPU that this machine need not have,
and prints what its compiler says of the code, and the guards that Chrome's compiler puts into loops.

AMD    --chip: navi31 (RDNA 3, the default), navi21 (RDNA 2), vega10, polaris10, or what else Mesa knows
other  --driver: its file; whatever else it wants is up to the environment. For Intel that is
         LD_PRELOAD=libintel_noop_drm_shim.so INTEL_STUB_GPU_PLATFORM=tgl npm run gpu-code -- --driver libvulkan_intel.so
       where the shim comes from Mesa's sources (meson setup build -Dtools=drm-shim,intel); NVIDIA's is made alike
       (-Dtools=drm-shim,nouveau -Dvulkan-drivers=nouveau).

Needs a C compiler, the Vulkan headers, and Mesa (Debian: gcc libvulkan-dev mesa-vulkan-drivers).`;

/** The statistics to print, under a shorter name than the driver's. */
const COLUMNS: readonly (readonly [string, RegExp])[] = [
  ['subgroup', /^Subgroup size$/],
  ['registers', /^(VGPRs|Max live registers|Number of GPRs)$/],
  ['spills', /^(Spilled VGPRs|Spill Count)$/],
  ['fills', /^Fill Count$/],
  ['scratch', /^(Scratch size|Scratch Memory Size|SLM Size)$/],
  ['workgroup memory', /^(LDS size|Workgroup Memory Size)$/],
  ['subgroups at once', /^Subgroups per SIMD$/],
  ['instructions', /^Instruction(s|( )?count| Count)$/i],
  ['arithmetic', /^VALU$/],
  ['guards', /^Guards$/],
  ['cycles', /^(Inverse Throughput|Cycle Count)$/],
];

export const main = (args: string[]) => quietly(() => compile(args));

const command = {
  name: 'gpu-code',
  flags: {
    chip: text('NAME', ''),
    driver: text('FILE', ''),
    kernel: text('PATTERN', ''),
    json: text('FILE', ''),
  },
};

async function compile(args: string[]): Promise<number> {
  let given: ReturnType<typeof readFlags<typeof command.flags>>;
  try {
    given = readFlags(command, args);
    if ('json' in given && given.json) await prepareFile(given.json, '--json');
  } catch (error) {
    console.error((error as Error).message);
    return 2;
  }
  if ('help' in given) {
    console.log(USAGE);
    return 0;
  }
  const { chip = 'navi31', driver = 'libvulkan_radeon.so', kernel, json } = given;
  const matches = matcher(kernel);
  const shaders = Object.values(allShaders).filter(({ name }) => matches(name));
  if (shaders.length === 0) {
    console.error(`No shader matches ${kernel}.`);
    return 1;
  }
  const folder = mkdtempSync(join(tmpdir(), 'webgpu-diffusion-gpu-code-'));
  try {
    const rows = await compileAll(shaders, folder, driver, chip);
    print(rows);
    if (json) await writeWhole(json, `${JSON.stringify({ chip, driver, kernel, json, rows }, null, 2)}\n`);
    return 0;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Row {
  readonly shader: string;
  readonly statistics: Readonly<Record<string, number>>;
}

async function compileAll(
  shaders: readonly Shader[],
  folder: string,
  driver: string,
  chip: string,
): Promise<Row[]> {
  const library = join(folder, 'driver.so');
  const manifest = join(folder, 'driver.json');
  const out = join(folder, 'out');
  const source = fileURLToPath(new URL('driver.c', import.meta.url));
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  writeFileSync(
    manifest,
    JSON.stringify({
      file_format_version: '1.0.0',
      ICD: { library_path: library, api_version: '1.3.0' },
    }),
  );
  Object.assign(process.env, {
    VK_DRIVER_FILES: manifest,
    VK_ICD_FILENAMES: manifest,
    GPU_CODE_DRIVER: driver,
    GPU_CODE_OUT: out,
    MESA_SHADER_CACHE_DISABLE: 'true',
    // The device that Mesa's AMD driver pretends to have, under the older and the newer name of the variable.
    RADV_FORCE_FAMILY: chip,
    AMD_FORCE_FAMILY: chip,
  });
  const adapter = await (await nodeGpu()).requestAdapter();
  if (!adapter)
    throw new Error(`${driver} offers no device for the chip ${chip}, or none that WebGPU can be had of.`);
  const { vendor, architecture, device: name, description } = adapter.info;
  console.log([vendor, architecture, name, description].filter(Boolean).join(' '));
  const device = await adapter.requestDevice({
    requiredFeatures: (['subgroups'] as const).filter((feature) => adapter.features.has(feature)),
  });
  const codes: Record<string, string> = {};
  for (const { name, code } of shaders) codes[name] = await code();
  const guards = await guardsOf(codes);
  const rows: Row[] = [];
  for (const [shader, code] of Object.entries(codes)) {
    rmSync(out, { force: true });
    const module = device.createShaderModule({ code });
    await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
    const lines = existsSync(out) ? readFileSync(out, 'utf8').trim().split('\n') : [];
    const entries = lines.map((line) => line.split('\t')).map(([key, value]) => [key, Number(value)]);
    rows.push({ shader, statistics: { ...Object.fromEntries(entries), Guards: guards[shader] } });
  }
  return rows;
}

function print(rows: readonly Row[]): void {
  const cell = ({ statistics }: Row, pattern: RegExp) =>
    Object.entries(statistics).find(([key]) => pattern.test(key))?.[1];
  const columns = COLUMNS.filter(([, pattern]) => rows.some((row) => cell(row, pattern) !== undefined));
  const cells = rows.map((row) => [
    row.shader,
    ...columns.map(([, pattern]) => String(cell(row, pattern) ?? '-')),
  ]);
  const numbers = columns.map((_, i) => i + 1);
  console.log(table([['', ...columns.map(([title]) => title)], ...cells], numbers));
}
