/** The declarations in strict programs, under each version of TypeScript that they promise. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programs } from './projects';
import { install, shell } from './shell';

const VERSIONS = ['5.7.3', '5.8.3', '5.9.3', '6.0.3', '7.0.2'];
const WEBGPU_TYPES = '0.1.74';
const NODE_TYPES = '20.19.43';

/** One row for each version: with @webgpu/types and without, as Node resolves modules and as a bundler does. */
export const typeChecks = VERSIONS.map((version) => ({
  name: `TypeScript ${version}`,
  async run(folder: string, tarball: string): Promise<string> {
    await install(
      folder,
      tarball,
      `typescript@${version}`,
      `@webgpu/types@${WEBGPU_TYPES}`,
      `@types/node@${NODE_TYPES}`,
    );
    const others: string[] = [];
    for (const webgpuTypes of [true, false])
      for (const module of ['nodenext', 'esnext']) {
        const files = programsFor(version, webgpuTypes);
        others.push(...(await compile(folder, files, module, webgpuTypes)));
      }
    // Programs without a page: of Node, and of a worker.
    for (const [file, lib] of [
      ['no_dom.ts', ['es2023']],
      ['in_worker.ts', ['es2023', 'webworker']],
    ] as const)
      others.push(...(await compile(folder, [file], 'nodenext', true, lib)));
    const note = others.length > 0 ? `; other packages have errors: ${[...new Set(others)].join(', ')}` : '';
    return `with and without @webgpu/types, as Node and bundlers resolve, without the DOM${note}`;
  },
}));

/** TypeScript knows WebGPU by itself from version 6 on, except for the values of flags. */
function programsFor(version: string, webgpuTypes: boolean): string[] {
  if (webgpuTypes) return ['any.ts', 'guest.ts'];
  return Number.parseInt(version, 10) >= 6 ? ['any.ts', 'guest.ts', 'usage.d.ts'] : ['any.ts'];
}

/** Compiles programs strictly, declarations included. Throws the errors in them or in ours; gives the other packages that have some. */
async function compile(
  folder: string,
  files: string[],
  module: string,
  webgpuTypes: boolean,
  lib: readonly string[] = ['es2022', 'dom', 'dom.asynciterable'],
): Promise<string[]> {
  const project = join(folder, `${module}-${webgpuTypes}-${lib.join('-')}`);
  await mkdir(project);
  for (const file of files) await copyFile(join(programs, file), join(project, file));
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    target: 'es2022',
    lib,
    noEmit: true,
    module,
    moduleResolution: module === 'nodenext' ? 'nodenext' : 'bundler',
    types: [...(webgpuTypes ? ['@webgpu/types'] : []), ...(lib.length === 1 ? ['node'] : [])],
  };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const tsc = join(folder, 'node_modules/.bin/tsc');
  const said = await shell(project, tsc, '--pretty', 'false').then(
    () => '',
    (error: Error) => error.message,
  );
  const errors = said.split('\n').filter((line) => /\berror TS\d+/.test(line));
  if (said && errors.length === 0) throw new Error(said);
  const strange = (line: string) =>
    /node_modules\/(?!webgpu-diffusion\/)((?:@[\w.-]+\/)?[\w.-]+)/.exec(line)?.[1];
  const own = errors.filter((line) => !strange(line));
  if (own.length > 0)
    throw new Error(`${module}, ${webgpuTypes ? 'with' : 'without'} @webgpu/types: ${own.join('; ')}`);
  return errors.map((line) => strange(line)!);
}
