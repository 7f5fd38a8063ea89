/** `npm run bench:peers`: compares our training step and forward pass with other libraries'. */
import type { ViteDevServer } from 'vite';
import { devDependencies } from '../../../package.json';
import { installWebGPU } from '../../../src/node';
import { rowsToJson } from '../../bench/result';
import { timeCells, timeHead } from '../../bench/table';
import { helpText, integer, number, oneOf, readFlags, show, text, UsageError } from '../../cli/args';
import { prepareFile, writeWhole } from '../../cli/files';
import { versions } from '../../cli/versions';
import { adapterText } from '../../text/adapter_text';
import { markdownTable, short } from '../../text/table';
import { compareInChrome } from './chrome';
import { compare, modes, OURS, type PeerName, type PeerPlan, type PeerTimes, peerNames } from './compare';
import { peerRecipes } from './workload';

const command = {
  name: 'bench:peers',
  summary: 'Times the training step and the forward pass beside other libraries, in turns on one adapter.',
  usage: '[flags]',
  flags: {
    in: oneOf('where to run (default node)', 'node', 'chrome'),
    recipe: oneOf('the network to run and train (default tutorial)', ...peerRecipes),
    batch: integer('N', 'images a step (default 64)', 1, 4096),
    peers: text('A,B', `libraries beside ours (default ${peerNames}; tfjs-webgl in Chrome only)`),
    mode: oneOf('what to compare (default both)', ...modes),
    rounds: integer('N', 'times that each is timed, if the budget allows (default 10)', 1, 10_000),
    budget: number('SECONDS', 'time for everything (default 240)', 1, 86_400),
    json: text('FILE', 'also write all figures there'),
  },
  notes: `All begin with the same weights and get the same batches. Exit code 1 if losses or predictions do not agree, or if a
library fails, reports errors or runs on another adapter. docs/performance.md explains the table.`,
  run: async () => 0,
};

/** Resolves to the exit code. */
export async function main(args: readonly string[], server: ViteDevServer): Promise<number> {
  try {
    const given = readFlags(command, args);
    if ('help' in given) {
      console.log(helpText(command).replace(/^webgpu-diffusion bench:peers/, 'npm run bench:peers --'));
      return 0;
    }
    const { in: where = 'node', json } = given;
    const isHere = where === 'node';
    const possible = peerNames.filter((name) => !isHere || name !== 'tfjs-webgl');
    const plan: PeerPlan = {
      recipe: given.recipe ?? 'tutorial',
      peers: given.peers?.split(',').map((name) => known(name, possible)) ?? possible,
      modes: given.mode ? [given.mode] : modes,
      batch: given.batch ?? 64,
      rounds: given.rounds ?? 10,
      budget: given.budget ?? 240,
    };
    if (json) await prepareFile(json, '--json');
    if (isHere) await installWebGPU();
    const { node, webgpu } = versions();
    const { comparison, runtime } = isHere
      ? { comparison: await compare(plan), runtime: `Node ${node}, webgpu ${webgpu}` }
      : await compareInChrome(server, plan);
    print(comparison, plan, runtime);
    if (json)
      await writeWhole(json, rowsToJson({ runtime, versions: versionsOfAll, ...plan, ...comparison }));
    return comparison.problems.length > 0 ? 1 : 0;
  } catch (error) {
    console.error((error as Error).message);
    return error instanceof UsageError ? 2 : 1;
  }
}

function known(name: string, possible: readonly PeerName[]): PeerName {
  const found = possible.find((one) => one === name);
  if (!found) throw new UsageError(`--peers is ${show(name)}; it must be one or more of ${possible}.`);
  return found;
}

const tfjs = devDependencies['@tensorflow/tfjs-core'];
const versionsOfAll: Readonly<Record<string, string>> = {
  [OURS]: versions()[OURS],
  'jax-js': devDependencies['@jax-js/jax'],
  'tfjs-webgpu': tfjs,
  'tfjs-webgl': tfjs,
};

const titles = {
  train: 'Training step (upload, forward, backward, Adam, loss read back)',
  forward: 'Forward pass (upload, network, whole output read back)',
};

function print(comparison: PeerTimes, { recipe, batch }: PeerPlan, runtime: string): void {
  const { adapter, renderers, results, problems } = comparison;
  console.log(`${runtime} on ${adapterText(adapter)}`);
  for (const [name, renderer] of Object.entries(renderers)) console.log(`${name}: ${renderer}`);
  const head = ['', ...timeHead, 'first, s', 'to ours', 'differs by'];
  for (const { mode, rows } of results) {
    const cells = rows.map(({ name, first, ms, ratio, difference }) => [
      `${name} ${versionsOfAll[name]}`,
      ...(ms ? timeCells(ms) : timeHead.map(() => '')),
      short(first),
      ratio ? `${short(ratio)}x` : '',
      difference.toExponential(1),
    ]);
    const title = `${titles[mode]}, recipe ${recipe}, ${batch} images`;
    console.log(`\n${markdownTable({ title, head, rows: cells, text: 1 })}`);
  }
  for (const problem of problems) console.log(`PROBLEM: ${problem}`);
}
