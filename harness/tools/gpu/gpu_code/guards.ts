/** What Chrome's compiler adds to loops. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Reads a list of WGSL texts, and compiles each with Dawn, which prints what it makes of them. */
const COMPILE = `
import { readFileSync } from 'node:fs';
import { create, globals } from 'webgpu';
Object.assign(globalThis, globals);
const gpu = create(['enable-dawn-features=dump_shaders']);
const adapter = await gpu.requestAdapter();
const device = await adapter.requestDevice({ requiredFeatures: ['subgroups'].filter((name) => adapter.features.has(name)) });
for (const code of JSON.parse(readFileSync(0, 'utf8'))) {
  const module = device.createShaderModule({ code });
  await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
}
process.exit(0);`;

/**
 * The number of guards in each WGSL text. Into a loop that it cannot prove finite, Tint puts a guard: 64 bits that count down, are tested
 * with `all()` in each iteration, and end the loop. Proven are a loop that counts a variable down to 0 by 1, and one between two literals by
 * steps of 1. Needs a Vulkan driver, and that no text says `all()` itself.
 */
export async function guardsOf(codes: Readonly<Record<string, string>>): Promise<Record<string, number>> {
  const names = Object.keys(codes);
  const child = execFile(process.execPath, ['--input-type=module', '--eval', COMPILE], {
    cwd: fileURLToPath(new URL('../../../../', import.meta.url)),
    maxBuffer: 2 ** 30,
  });
  let output = '';
  let problems = '';
  child.stdout!.on('data', (text) => {
    output += text;
  });
  child.stderr!.on('data', (text) => {
    problems += text;
  });
  child.stdin!.end(JSON.stringify(names.map((name) => `// shader ${name}\n${codes[name]}`)));
  const status = await new Promise((resolve) => child.on('close', resolve));
  const guards: Record<string, number> = {};
  for (const dump of output.split('Dumped WGSL').slice(1)) {
    const [, name] = /^\/\/ shader (.*)$/m.exec(dump)!;
    const spirv = dump.indexOf('Dumped SPIRV');
    if (spirv >= 0) guards[name] = dump.slice(spirv).match(/= OpAll /g)?.length ?? 0;
  }
  const missing = names.filter((name) => !(name in guards));
  if (status !== 0 || missing.length > 0)
    throw new Error(`Dawn shows no SPIR-V of ${missing.join(', ')} (status ${status}). ${problems}`);
  return guards;
}
