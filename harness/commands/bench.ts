/** `bench`: how fast is every kernel here, and the whole network? */

import { dirname } from 'node:path';
import { type Command, defineCommand, integer, number, oneOf, text, UsageError } from '../args';
import { type BenchEvent, type BenchOptions, type BenchResult, runBench } from '../bench';
import { short, skippedLines, tableHead, tableRow, totalRow } from '../bench_table';
import { prepareFolder, writeWhole } from '../files';
import { inBrowser } from '../in_browser';
import { type EngineChoice, kernelChoice, kernelFlags } from '../kernel_flags';
import { adapterLine, nodeEngine } from '../node_engine';
import { duration, Progress } from '../progress';
import { versions } from '../versions';

export const bench: Command = defineCommand({
  name: 'bench',
  summary:
    "Times every kernel at the tutorial network's own shapes, each checked first; then the whole network.",
  usage: '[flags]',
  flags: {
    json: text('FILE', 'write the results there too'),
    kernel: text(
      'PATTERN',
      'only what matches, for instance conv2d, winograd*down.1, step, forward or sample',
    ),
    batch: integer('N', 'images (default 256)', 1, 65536),
    in: oneOf('where to run (default node)', 'node', 'chrome', 'firefox'),
    budget: number(
      'SECONDS',
      'about how long it may take (default 60; every row is timed at least\nthree times, however slow the adapter)',
      1,
      86400,
    ),
    ...kernelFlags,
  },
  notes: `GFLOP/s are nominal: every tap of every convolution counts, whatever a variant really computes. "of peak" is the
larger share of the adapter's own peaks, multiply-adds in registers and a copy of memory, which are measured in the
same run. It may exceed 100%: Winograd multiplies less than the nominal count, and small tensors stay in caches.`,
  async run(given, { signal }) {
    const { json, kernel, batch, in: place = 'node', budget: budgetSeconds } = given;
    if (json) await prepareFolder(dirname(json));
    const start = performance.now();
    const progress = new Progress();
    const options = { kernel, batch, budgetSeconds, engine: await kernelChoice(given) };
    const events =
      place === 'node' ? benchHere(options, signal) : inBrowser<BenchEvent>(place, 'bench', options, signal);
    let result: BenchResult | undefined;
    let printed = 0;
    for await (const event of events) {
      if (event.kind === 'adapter') progress.print(event.line);
      else if (event.kind === 'progress') progress.update({ ...event, text: event.title });
      else if (event.kind === 'peak') {
        const { peak, timer } = event;
        progress.print(
          `Peaks: ${short(peak.gflops)} GFLOP/s, ${short(peak.gbps)} GB/s. Timer: ${timerLine(timer)}.`,
        );
        progress.print(`\n${tableHead}`);
      } else if (event.kind === 'row') progress.print(tableRow(event.row));
      else if (event.kind === 'skipped') continue;
      else if (event.kind === 'total')
        progress.print(`${printed++ === 0 ? '\n' : ''}${totalRow(event.name, event.total)}`);
      else result = event.result;
    }
    progress.clear();
    if (!result) throw new Error('the bench ended without a result');
    const { rows, skipped, step, forward, sample } = result;
    if (rows.length + skipped.length === 0 && !step && !forward && !sample) {
      throw new UsageError(`--kernel ${kernel} matches no row; bench without it lists them all.`);
    }
    for (const line of skippedLines(skipped)) progress.print(line);
    if (json) await writeWhole(json, `${JSON.stringify(result, null, 1)}\n`);
    const failed = rows.filter(({ check }) => !check.pass).length;
    const seconds = duration((performance.now() - start) / 1000);
    progress.print(
      `\n${rows.length} rows, ${failed} failed their check, ${skipped.length} not run, ${seconds}.`,
    );
    if (json) progress.print(`Wrote ${json}.`);
    return failed > 0 ? 1 : 0;
  },
});

async function* benchHere(options: BenchOptions & { engine: EngineChoice }, signal: AbortSignal) {
  const engine = await nodeEngine(options.engine);
  yield { kind: 'adapter', line: adapterLine(engine) } as const;
  const { node, webgpu } = versions();
  yield* runBench(engine, { ...options, runtime: `Node ${node}, webgpu ${webgpu}`, signal });
  engine.destroy();
}

function timerLine({ kind, resolutionMs }: BenchResult['timer']): string {
  const resolution =
    resolutionMs < 0.001 ? `${Math.round(resolutionMs * 1e6)} ns` : `${short(resolutionMs)} ms`;
  return kind === 'wall clock'
    ? `the host's clock (${resolution}), as the device has no timestamp queries that agree with it`
    : `the GPU's timestamps (${resolution})`;
}
