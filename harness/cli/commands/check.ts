/** `check`: compares every kernel on this machine with its reference. */

import type { EngineReport } from '../../../src/report';
import { CHECK_BATCH, type CheckEvent, type CheckRow, runCheck } from '../../run/check';
import { checkJson, compileText } from '../../run/check_export';
import { adapterText } from '../../text/adapter_text';
import { duration } from '../../text/units';
import { type Command, defineCommand, oneOf, text } from '../args';
import { inColour } from '../colours';
import { checkApart, prepareFile, writeWhole } from '../files';
import { inBrowser } from '../in_browser';
import { checkKernels, type EngineChoice, kernelChoice, kernelFlags } from '../kernel_flags';
import { networkFromFlags } from '../network_flags';
import { nodeEngine } from '../node_engine';
import { ProgressLine } from '../progress';
import { summaries } from '../summaries';
import { versions } from '../versions';

export const check: Command = defineCommand({
  name: 'check',
  summary: summaries.check,
  usage: '[flags]',
  flags: {
    kernel: text('PATTERN', 'only kernels that match, for instance conv2d, conv2d.winograd or *grad*'),
    json: text('FILE', 'write the results there, and all that a report of a problem needs'),
    in: oneOf('where to run (default node)', 'node', 'chrome', 'firefox'),
    ...kernelFlags,
  },
  notes: `A line for each variant of each kernel: how many cases, and the largest error as a share of what rounding explains.
--tune, --no-tune and --variants are about the last check, of the whole network.
The exit code is 1 if anything fails. What this machine cannot run is listed as skipped, never as passed.`,
  async run(given, { signal }) {
    const { kernel, json, in: place = 'node' } = given;
    checkApart({ variants: given.variants, json });
    const engine = await kernelChoice(given);
    checkKernels(engine, networkFromFlags({}), CHECK_BATCH);
    if (json) await prepareFile(json, '--json');
    const start = performance.now();
    const progress = new ProgressLine();
    const count = { pass: 0, fail: 0, skipped: 0 };
    const rows: CheckRow[] = [];
    let report: EngineReport | undefined;
    let brokenOff: unknown;
    const events =
      place === 'node'
        ? checkHere(kernel, engine, signal)
        : inBrowser<CheckEvent>(place, 'check', { kernel, engine }, signal);
    try {
      for await (const event of events) {
        if (event.kind === 'adapter') progress.print(`${event.line}\n`);
        else if (event.kind === 'progress') progress.update({ ...event, text: event.title });
        else if (event.kind === 'report') report = event.report;
        else if (event.kind === 'row') {
          count[event.row.result]++;
          rows.push(event.row);
          progress.print(lineOf(event.row));
        }
      }
    } catch (error) {
      if (!report) throw error;
      brokenOff = error;
    }
    progress.clear();
    if (json && report) {
      const { adapter, date, versions: found } = report;
      const { node, webgpu } = versions();
      const runtime = found.userAgent ?? `node ${node}, webgpu ${webgpu}`;
      const end = brokenOff ? 'stopped' : 'complete';
      await writeWhole(json, checkJson({ adapter, runtime, date, end, rows, engine: report }));
      progress.print(`Wrote ${json}.`);
    }
    if (brokenOff) throw brokenOff;
    const seconds = duration((performance.now() - start) / 1000);
    progress.print(`\n${count.pass} passed, ${count.fail} failed, ${count.skipped} skipped, ${seconds}`);
    return count.fail > 0 ? 1 : 0;
  },
});

async function* checkHere(kernel: string | undefined, choice: EngineChoice, signal: AbortSignal) {
  const engine = await nodeEngine({ ...choice, selfCheck: false });
  yield { kind: 'adapter', line: adapterText(engine.adapter) } as const;
  yield* runCheck(engine, { kernel, signal });
  engine.destroy();
}

function lineOf(row: CheckRow): string {
  const { kernel, variant, result, cases, share, reason } = row;
  const name = `${kernel}.${variant}`.padEnd(40);
  if (result === 'skipped') return `${inColour('yellow', 'skip')}  ${name} ${reason}`;
  const used = share < 1000 ? `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%` : 'far more';
  const word = result === 'pass' ? inColour('green', 'ok  ') : inColour('red', 'FAIL');
  const line = `${word}  ${name} ${String(cases).padStart(2)} cases, ${used} of the allowed error${row.compileMilliseconds === undefined ? '' : `, compiled in ${compileText(row)}`}`;
  return reason ? `${line}\n      ${reason}` : line;
}
