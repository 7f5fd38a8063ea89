/** `bench`: measures how fast every kernel and the whole network run here. */

import { comparisonTable, parseResult } from '../../bench/compare';
import { addEvent, type BenchEvent, type BenchResult, rowsToJson } from '../../bench/result';
import { rooflineSvg } from '../../bench/roofline';
import { BENCH_BATCH, type BenchOptions, runBench } from '../../bench/run';
import {
  benchMarkdown,
  caveats,
  headLines,
  measuredText,
  rowCells,
  tableHead,
  tableNotes,
} from '../../bench/table';
import { findChanges, toConfig } from '../../run/network';
import { adapterText } from '../../text/adapter_text';
import { textLine, textTable } from '../../text/table';
import { duration } from '../../text/units';
import { type Command, defineCommand, integers, number, oneOf, text, UsageError } from '../args';
import { inColour } from '../colours';
import { checkApart, prepareFile, readWhole, writeWhole } from '../files';
import { type BrowserNews, inBrowser } from '../in_browser';
import { checkKernels, type EngineChoice, kernelChoice, kernelFlags } from '../kernel_flags';
import { networkChoice, networkFlags, networkFromFlags } from '../network_flags';
import { nodeEngine } from '../node_engine';
import { ProgressLine } from '../progress';
import { summaries } from '../summaries';
import { sourceCommit, versions } from '../versions';

/** The file formats and their writers, which return undefined where there is nothing to write. */
const formats = { json: rowsToJson, markdown: benchMarkdown, svg: rooflineSvg } as const;
type Format = keyof typeof formats;

export const bench: Command = defineCommand({
  name: 'bench',
  summary: summaries.bench,
  usage: '[flags]',
  flags: {
    kernel: text('PATTERN', 'only measurements whose names match, such as conv2d, winograd*down.1, step'),
    batch: integers(
      '1,16,256',
      'images (default 256); of several batches or sizes the whole network, and\nkernels only with --kernel',
      1,
      65536,
    ),
    size: integers('28,64', "pixels on a side (default: the recipe's own)", 1, 65536),
    ...networkFlags,
    budget: number('SECONDS', 'an end (default 60): what has not begun by then is not run', 1, 86400),
    in: oneOf('where to run (default node)', 'node', 'chrome', 'firefox'),
    json: text('FILE', 'write the results there: everything, for programs and for --compare'),
    markdown: text('FILE', 'the table, for people'),
    svg: text('FILE', 'the roofline plot of the kernels'),
    compare: text('A.json,B.json', 'run nothing: set two results side by side'),
    ...kernelFlags,
  },
  notes: `The whole network comes first, trained and sampled as --recipe says (without images of a data set), then each op of
its training step, then the kernels: the variants that it uses, then their rivals, then kernels that it does not use, at
the tutorial's shapes. Each is checked on a small case before it is timed.
GFLOP/s are nominal: every tap of every convolution counts, whatever a variant really computes; "inside" leaves out
taps outside the image. "of peak" is the larger of two shares: of the adapter's multiply-adds in registers, and of its
copy of about as many bytes, both measured in the same run. Only Winograd, which multiplies less, may exceed 100% by
much. Ctrl-C ends the run; what was measured until then is written.`,
  async run(given, { signal }) {
    if (given.compare) return compareFiles(given.compare, Object.keys(given));
    const { in: place = 'node', variants, json, markdown, svg } = given;
    const network = findChanges(networkChoice(given));
    checkApart({ variants, json, markdown, svg });
    const files = (Object.keys(formats) as Format[]).flatMap((format) => {
      const path = given[format];
      return path ? [{ format, path }] : [];
    });
    const engine = await kernelChoice(given);
    const { batch: batches = [BENCH_BATCH], size: sizes = [networkFromFlags(given).height] } = given;
    for (const size of sizes)
      for (const batch of batches)
        checkKernels(engine, toConfig(network, { height: size, width: size }), batch);
    for (const { format, path } of files) await prepareFile(path, `--${format}`);

    const start = performance.now();
    const progress = new ProgressLine();
    const { kernel, budget: budgetSeconds } = given;
    const options = { kernel, batches, sizes, network, budgetSeconds, engine, commit: sourceCommit() };
    let result: BenchResult | undefined;
    let brokenOff: unknown;
    const take = (event: BrowserNews<BenchEvent>) => {
      if (event.kind === 'adapter') return progress.print(event.line);
      result = addEvent(result, event);
      printEvent(progress, event, result);
    };
    try {
      if (place === 'node') await benchHere(options, signal, take);
      else for await (const event of inBrowser<BenchEvent>(place, 'bench', options, signal)) take(event);
    } catch (error) {
      if (!result) throw error;
      brokenOff = error;
    }
    progress.clear();
    if (!result) throw new Error('the bench ended without a result');
    const { rows, left } = result;
    const notRun = left + rows.filter(({ reason }) => reason !== undefined).length;
    const seconds = duration((performance.now() - start) / 1000);
    for (const line of [
      ...tableNotes(result),
      `\nMeasured ${measuredText(rows) || 'nothing'}. Not run: ${notRun}. It took ${seconds}.`,
      ...caveats(result),
    ])
      progress.print(line);
    for (const { format, path } of files) {
      const content = formats[format](result);
      if (content === undefined) {
        progress.print(`Nothing to plot: no kernel that computes was timed. ${path} was not written.`);
        continue;
      }
      await writeWhole(path, content);
      progress.print(`Wrote ${path}.`);
    }
    if (brokenOff) throw brokenOff;
    return rows.some(({ check }) => check?.pass === false) ? 1 : 0;
  },
});

/** Prints the table's rows as they come. */
function printEvent(progress: ProgressLine, event: BenchEvent, result: BenchResult | undefined): void {
  if (event.kind === 'progress') progress.update({ ...event, text: event.title });
  if (!result) return;
  const { title, lead, head, text: columns, widths } = tableHead(result);
  if (event.kind === 'begin') {
    const above = [...headLines(result).slice(-2), '', title, ...lead, textLine(head, columns, widths)];
    for (const line of above) progress.print(line);
  } else if (event.kind === 'row' && event.row.reason === undefined) {
    const { check, used } = event.row;
    const line = textLine(rowCells(result, event.row), columns, widths);
    progress.print(check?.pass === false ? inColour('red', line) : used ? inColour('bold', line) : line);
  }
}

async function benchHere(
  options: BenchOptions & { engine: EngineChoice },
  signal: AbortSignal,
  take: (event: BrowserNews<BenchEvent>) => void,
): Promise<void> {
  const engine = await nodeEngine({ ...options.engine, selfCheck: false });
  take({ kind: 'adapter', line: adapterText(engine.adapter) });
  const { node, webgpu } = versions();
  await runBench(engine, { ...options, runtime: `Node ${node}, webgpu ${webgpu}`, signal }, take);
  engine.destroy();
}

async function compareFiles(paths: string, flags: readonly string[]): Promise<number> {
  const names = paths.split(',').map((path) => path.trim());
  if (names.length !== 2 || names.includes(''))
    throw new UsageError(`--compare takes two files with a comma between them, such as A.json,B.json.`);
  const others = flags.filter((flag) => flag !== 'compare');
  if (others.length > 0)
    throw new UsageError(`--compare runs nothing, so --${others[0]} says nothing; leave one of the two out.`);
  const read = async (path: string) => parseResult(path, new TextDecoder().decode(await readWhole(path)));
  const before = await read(names[0]);
  const after = await read(names[1]);
  console.log(textTable(comparisonTable(before, after)));
  return 0;
}
