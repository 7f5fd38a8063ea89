/** `npm run bench:peers`: compares our training step and forward pass with other libraries'. */
import type { ViteDevServer } from 'vite';
import { devDependencies } from '../../../package.json';
import { installWebGPU } from '../../../src/node';
import { rowsToJson } from '../../bench/export';
import {
  defineCommand,
  type Flag,
  type Given,
  helpOf,
  integer,
  number,
  oneOf,
  readFlags,
  show,
  text,
  UsageError,
} from '../../cli/args';
import { prepareFile, writeWhole } from '../../cli/files';
import { versions } from '../../cli/versions';
import { adapterText } from '../../text/adapter_text';
import { compareInChrome } from './chrome';
import { compare, modes, OURS, type PeerPlan, type PeerTimes } from './compare';
import { type PeerName, peerNames } from './load_peer';
import { table } from './table';
import { peerRecipes } from './workload';

const list = <T extends string>(help: string, legal: readonly T[]): Flag<readonly T[]> => ({
  value: legal.join(','),
  help,
  parse: (given, name) => {
    const names = given.split(',').map((item) => legal.find((l) => l === item));
    if (names.includes(undefined)) {
      throw new UsageError(`--${name} is ${show(given)}; it must be one or more of ${legal.join(',')}.`);
    }
    return legal.filter((l) => names.includes(l));
  },
});

const flags = {
  in: oneOf('where to run (default node)', 'node', 'chrome'),
  recipe: oneOf('the network to run and train (default tutorial)', ...peerRecipes),
  batch: integer('N', 'images a step (default 64)', 1, 4096),
  peers: list('libraries beside ours (default all; tfjs-webgl in Chrome only)', peerNames),
  mode: list('what to compare (default train,forward)', modes),
  rounds: integer('N', 'times that each is timed, if the budget allows (default 10)', 1, 10_000),
  budget: number('SECONDS', 'time for everything (default 240)', 1, 86_400),
  limit: number('SECONDS', 'leave a library out once a step of it takes longer (default 60)', 0.1, 86_400),
  json: text('FILE', 'also write all figures there'),
};

const commandFor = (server: ViteDevServer) =>
  defineCommand({
    name: 'bench:peers',
    summary: 'Times the training step and the forward pass beside other libraries, in turns on one adapter.',
    usage: '[flags]',
    flags,
    notes: `All begin with the same weights and get the same batches. Exit code 1 if losses or predictions do not agree, or if a
library fails, reports errors or runs on another adapter. harness/tools/peers/README.md explains the table.`,
    run: (given) => runPeers(given, server),
  });

async function runPeers(given: Given<typeof flags>, server: ViteDevServer): Promise<number> {
  const { in: where = 'node', json } = given;
  const possible: readonly PeerName[] =
    where === 'chrome' ? peerNames : peerNames.filter((name) => name !== 'tfjs-webgl');
  const plan: PeerPlan = {
    recipe: given.recipe ?? 'tutorial',
    peers: given.peers ?? possible,
    modes: given.mode ?? ['train', 'forward'],
    batch: given.batch ?? 64,
    rounds: given.rounds ?? 10,
    budget: given.budget ?? 240,
    limit: given.limit ?? 60,
  };
  const impossible = plan.peers.find((name) => !possible.includes(name));
  if (impossible) throw new UsageError(`${impossible} does not run in Node; use --in chrome.`);
  if (json) await prepareFile(json, '--json');
  const report = (line: string) => console.error(line);
  const { comparison, runtime } =
    where === 'chrome' ? await compareInChrome(server, plan, report) : await compareInNode(plan, report);
  const used = versionsFor(plan.peers, where);
  print(comparison, runtime, used);
  if (json) {
    const content = { runtime, versions: used, ...comparison };
    await writeWhole(json, rowsToJson(content));
  }
  return comparison.problems.length > 0 ? 1 : 0;
}

async function compareInNode(plan: PeerPlan, report: (line: string) => void) {
  await installWebGPU();
  return { comparison: await compare(plan, report), runtime: `Node ${process.versions.node}` };
}

function versionsFor(peers: readonly PeerName[], where: 'node' | 'chrome'): Record<string, string> {
  const { webgpu, ...own } = versions();
  const tfjs = devDependencies['@tensorflow/tfjs-core'];
  const packages: Record<PeerName, string> = {
    'jax-js': devDependencies['@jax-js/jax'],
    'tfjs-webgpu': tfjs,
    'tfjs-webgl': tfjs,
  };
  return {
    [OURS]: own[OURS],
    ...Object.fromEntries(peers.map((name) => [name, packages[name]])),
    ...(where === 'node' ? { webgpu } : {}),
  };
}

function print(comparison: PeerTimes, runtime: string, used: Record<string, string>): void {
  const { renderers, hostMilliseconds, problems } = comparison;
  const engine = used.webgpu ? ` with webgpu ${used.webgpu}` : '';
  console.log(`${runtime}${engine} on ${adapterText(comparison.adapter)}`);
  for (const [name, renderer] of Object.entries(renderers)) console.log(`${name}: ${renderer}`);
  console.log(`\n${table(comparison, used)}\n`);
  if (hostMilliseconds !== undefined) {
    console.log(
      `Host time of one of our steps (record and submit, the least of five): ${hostMilliseconds.toPrecision(2)} ms`,
    );
  }
  for (const problem of problems) console.log(`PROBLEM: ${problem}`);
}

/** Resolves to the exit code. */
export async function main(args: readonly string[], server: ViteDevServer): Promise<number> {
  const command = commandFor(server);
  try {
    const given = readFlags(command, args);
    if ('help' in given) {
      console.log(helpOf(command).replace(/^webgpu-diffusion bench:peers/, 'npm run bench:peers --'));
      return 0;
    }
    return await command.run(given, { signal: new AbortController().signal });
  } catch (error) {
    console.error((error as Error).message);
    return error instanceof UsageError ? 2 : 1;
  }
}
