/** `bench`: measures how fast every kernel and the whole network run here. */

import { comparisonTable } from '../../bench/compare';
import { toCsv, toJson, toMarkdown } from '../../bench/export';
import { parseResult } from '../../bench/read';
import { addEvent, axesOf, type BenchEvent, type BenchResult, sweepChoices } from '../../bench/result';
import { rooflineSvg } from '../../bench/roofline';
import { BATCH, type BenchOptions, runBench } from '../../bench/run';
import {
  breakdownTable,
  caveats,
  inUseNote,
  isInUse,
  kernelLines,
  measuredText,
  networkLine,
  peaksLine,
  rowCells,
  rowColumns,
  rowHead,
  skippedLines,
  sweepCells,
  sweepColumns,
  sweepHead,
  sweepTitles,
  textLine,
  textTable,
  timerLine,
  totalRow,
} from '../../bench/table';
import { changesOf } from '../../run/network';
import { adapterText } from '../../text/adapter_text';
import { duration } from '../../text/units';
import { type Command, defineCommand, integer, integers, number, oneOf, text, UsageError } from '../args';
import { type Colour, paint } from '../colours';
import { checkApart, prepareFile, readWhole, writeWhole } from '../files';
import { inBrowser } from '../in_browser';
import { checkKernels, type EngineChoice, kernelChoice, kernelFlags } from '../kernel_flags';
import { choiceOf, networkFlags, networkFromFlags } from '../network_flags';
import { nodeEngine } from '../node_engine';
import { Progress } from '../progress';
import { summaries } from '../summaries';
import { sourceCommit, versions } from '../versions';

/** The file formats and their writers, which return undefined where there is nothing to write. */
const formats: Readonly<
  Record<'json' | 'csv' | 'markdown' | 'svg', (result: BenchResult) => string | undefined>
> = { json: toJson, csv: toCsv, markdown: toMarkdown, svg: rooflineSvg };
type Format = keyof typeof formats;

export const bench: Command = defineCommand({
  name: 'bench',
  summary: summaries.bench,
  usage: '[flags]',
  flags: {
    kernel: text('PATTERN', 'only measurements whose names match, such as conv2d, winograd*down.1, step'),
    batch: integer('N', 'images (default 256)', 1, 65536),
    sweep: oneOf(
      'the whole network at batches from 1 to 1024, or at images of 28\n(pictures: 24), 32, 64 and 128 pixels; kernels then only with --kernel',
      ...sweepChoices,
    ),
    points: integers('1,8,64', 'other batches or sizes for --sweep', 1, 65536),
    ...networkFlags,
    budget: number(
      'SECONDS',
      'time for everything, about (default 60); drops measurements not begun by then',
      1,
      86400,
    ),
    in: oneOf('where to run (default node)', 'node', 'chrome', 'firefox'),
    json: text('FILE', 'write the results there: everything, for programs and for --compare'),
    csv: text('FILE', 'for spreadsheets'),
    markdown: text('FILE', 'the tables, for people'),
    svg: text('FILE', 'the roofline plot of the kernels'),
    compare: text('A.json,B.json', 'run nothing: set two results side by side'),
    ...kernelFlags,
  },
  notes: `The whole network comes first, trained and sampled as --recipe says (without images of a data set), then the
kernels: the variants that it uses, then their rivals, then kernels that it does not use, at the tutorial's shapes.
GFLOP/s are nominal: every tap of every convolution counts, whatever a variant really computes; "inside" leaves out
taps outside the image. "of peak" is the larger of two shares: of the adapter's multiply-adds in registers, and of its
copy of about as many bytes, both measured in the same run. Only Winograd, which multiplies less, may exceed 100% by
much. Ctrl-C ends the run; what was measured until then is written.`,
  async run(given, { signal }) {
    if (given.compare) return compareFiles(given.compare, Object.keys(given));
    const { batch = BATCH, sweep = 'none', points, in: place = 'node' } = given;
    if (points && axesOf(sweep).length !== 1)
      throw new UsageError(
        `--points sets the points of one sweep: give --sweep batch or --sweep size with it.`,
      );
    const { variants, json, csv, markdown, svg } = given;
    checkApart({ variants, json, csv, markdown, svg });
    const files = (Object.keys(formats) as Format[]).flatMap((format) => {
      const path = given[format];
      return path ? [{ format, path }] : [];
    });
    const engine = await kernelChoice(given);
    checkKernels(engine, networkFromFlags(given), batch);
    for (const { format, path } of files) await prepareFile(path, `--${format}`);

    const start = performance.now();
    const progress = new Progress();
    const options = {
      kernel: given.kernel,
      batch,
      network: changesOf(choiceOf(given)),
      sweep: axesOf(sweep),
      points,
      budgetSeconds: given.budget,
      engine,
      commit: sourceCommit(),
    };
    let result: BenchResult | undefined;
    let brokenOff: unknown;
    try {
      result = await follow(
        place === 'node' ? benchHere(options, signal) : inBrowser(place, 'bench', options, signal),
        progress,
        (news) => {
          result = news;
        },
      );
    } catch (error) {
      if (!result) throw error;
      brokenOff = error;
    }
    progress.clear();
    if (!result) throw new Error('the bench ended without a result');
    const { rows, skipped, left = 0 } = result;
    if (skipped.length > 0) progress.print();
    for (const line of skippedLines(skipped)) progress.print(line);
    const failed = rows.filter(({ check }) => !check.pass).length;
    const seconds = duration((performance.now() - start) / 1000);
    progress.print(
      `\nMeasured ${measuredText(result) || 'nothing'}. Not run: ${skipped.length + left}. It took ${seconds}.`,
    );
    for (const line of caveats(result)) progress.print(line);
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
    return failed > 0 ? 1 : 0;
  },
});

type Events = AsyncIterable<BenchEvent | { readonly kind: 'adapter'; readonly line: string }>;

/** Prints events as they come and adds them up; `keep` gets each intermediate result, in case the run stops. */
async function follow(
  events: Events,
  progress: Progress,
  keep: (result: BenchResult | undefined) => void,
): Promise<BenchResult | undefined> {
  let result: BenchResult | undefined;
  let section = '';
  const print = (line: string, of: string, head?: string) => {
    if (section !== of) progress.print();
    if (section !== of && head !== undefined) progress.print(head);
    section = of;
    progress.print(line);
  };
  for await (const event of events) {
    if (event.kind === 'adapter') {
      progress.print(event.line);
      continue;
    }
    result = addEvent(result, event);
    keep(result);
    if (event.kind === 'progress') progress.update({ ...event, text: event.title });
    else if (event.kind === 'head') {
      progress.print(networkLine(event.head));
      progress.print(`Peaks: ${peaksLine(event.head.peak)}.`);
      progress.print(`Timer: ${timerLine(event.head.timer)}.`);
    } else if (event.kind === 'total') {
      print(totalRow(event.name, event.total), event.name);
      for (const line of kernelLines(result!, event.name)) progress.print(`               ${line}`);
    } else if (event.kind === 'breakdown')
      print(textTable(breakdownTable(event.name, event.breakdown)), event.name);
    else if (event.kind === 'point') {
      const { point } = event;
      print(
        textLine(sweepCells(point), sweepColumns),
        `${point.axis} sweep`,
        `${sweepTitles[point.axis]}\n${textLine(sweepHead, sweepColumns)}`,
      );
    } else if (event.kind === 'row') {
      const used = isInUse(result!, event.row);
      const line = textLine(rowCells(event.row, used), rowColumns);
      const colour: Colour | undefined = event.row.check.pass ? (used ? 'bold' : undefined) : 'red';
      print(
        colour ? paint(colour, line) : line,
        'rows',
        [...inUseNote(result!), textLine(rowHead, rowColumns)].join('\n'),
      );
    }
  }
  return result;
}

async function* benchHere(options: BenchOptions & { engine: EngineChoice }, signal: AbortSignal) {
  const engine = await nodeEngine({ ...options.engine, selfCheck: false });
  yield { kind: 'adapter', line: adapterText(engine.adapter) } as const;
  const { node, webgpu } = versions();
  yield* runBench(engine, { ...options, runtime: `Node ${node}, webgpu ${webgpu}`, signal });
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
  const [before, after] = [await read(names[0]), await read(names[1])];
  console.log(textTable(comparisonTable(before, after)));
  return 0;
}
