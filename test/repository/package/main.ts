/**
 * The package as others install it: its files; packed, put into an empty project of each kind, and used there; and
 * what docs/kernels.md and CONTRIBUTING.md say to run in the project. Prints what ran, and fails if anything did not work.
 *
 *   npm run test:all -- package [WORD]…     only the rows that have one of these words in their name
 *
 * It takes the tools of these projects from the npm registry, at the versions named here, into temporary folders.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromAnotherOrigin } from './cdn';
import { createCheck } from './checks';
import { contents } from './contents';
import { flaky } from './flaky';
import { guides } from './guides';
import { projects, runProject } from './projects';
import { shell } from './shell';
import { typeChecks } from './types';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const bin = (name: string) => join(root, 'node_modules/.bin', name);

/** Most characters that are shown of the message of a tool that fails. */
const LONGEST = 4000;

interface Row {
  readonly name: string;
  /** What was found, or an error. */
  run(folder: string, tarball: string): Promise<string>;
}

const linters: readonly Row[] = [
  {
    name: 'publint',
    run: (folder, tarball) => shell(folder, bin('publint'), 'run', tarball, '--strict').then(() => 'clean'),
  },
  {
    name: 'arethetypeswrong',
    run: (folder, tarball) =>
      shell(folder, bin('attw'), tarball, '--profile', 'esm-only').then(() => 'clean'),
  },
];

/** Builds and packs the package. The path of the file. */
async function pack(folder: string): Promise<string> {
  await shell(root, bin('vite'), 'build', '--mode', 'lib', '--logLevel', 'error');
  await shell(root, process.execPath, 'harness/tools/build/make_declarations.mjs');
  const [{ filename }] = JSON.parse(await shell(root, 'npm', 'pack', '--json', '--pack-destination', folder));
  return join(folder, filename);
}

export async function main(words: readonly string[]): Promise<number> {
  const check = await createCheck();
  const inProjects = projects.map(
    (project): Row => ({
      name: project.name,
      run: async (folder, tarball) => check(await runProject(project, folder, tarball)),
    }),
  );
  const rows: readonly Row[] = [
    contents,
    ...linters,
    ...typeChecks,
    ...inProjects,
    fromAnotherOrigin,
    flaky,
    ...guides,
  ];
  const wanted = rows.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  if (wanted.length === 0) {
    console.error(
      `No row has ${words.join(' or ')} in its name; there are ${rows.map(({ name }) => name).join('; ')}.`,
    );
    return 2;
  }
  const work = await mkdtemp(join(tmpdir(), 'webgpu-diffusion-projects-'));
  try {
    const tarball = await pack(work);
    console.log('| project | result | seconds |\n|---|---|--:|');
    const failures: string[] = [];
    for (const [i, { name, run }] of wanted.entries()) {
      const start = performance.now();
      const folder = join(work, String(i));
      await mkdir(folder);
      const result = await run(folder, tarball).catch((error) => {
        failures.push(`${name}: ${(error as Error).message.slice(0, LONGEST)}`);
        return 'FAILED';
      });
      console.log(`| ${name} | ${result} | ${((performance.now() - start) / 1000).toFixed(0)} |`);
      await rm(folder, { recursive: true });
    }
    for (const failure of failures) console.error(`\n${failure}`);
    if (failures.length > 0) console.error(`\n${failures.length} of ${wanted.length} failed.`);
    return failures.length > 0 ? 1 : 0;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
