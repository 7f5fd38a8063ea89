/** Shows a result of the bench, whether it grows or comes from a file. */
import type { BenchResult, BenchTotal } from '../../bench/result';
import { benchTables, caveats, skippedLines } from '../../bench/table';
import { anyElement, setMessage, setReading, setText } from '../shell/dom';
import { measured, whole } from '../shell/format';
import { element, tableSection } from '../shell/table';
import { explainWords } from '../shell/terms';
import { BenchRows } from './bench_rows';
import { RooflineView } from './roofline_view';

export class BenchView {
  private readonly rows = new BenchRows();
  private readonly roofline = new RooflineView((row) => this.rows.open(row));
  private drawn: BenchResult | undefined;
  private readonly narrow = matchMedia('(max-width: 34rem)');

  /** `changed` is called when the result must be drawn again. */
  constructor(changed: () => void) {
    explainWords(anyElement('panel-bench'));
    this.narrow.addEventListener('change', () => {
      this.drawn = undefined;
      changed();
    });
  }

  /** `complete`: it does not grow any more, so what it lacks is worth telling. */
  draw(result: BenchResult | undefined, complete: boolean): void {
    setMessage(anyElement('bench-caveats'), result && complete ? caveats(result).join('\n') : '');
    if (result === this.drawn) return;
    const { drawn } = this;
    // What has grown is drawn on.
    const before = drawn && result && drawn.date === result.date ? drawn : undefined;
    this.drawn = result;
    drawReadings(result);
    if (!before) this.rows.clear();
    if (!before || hasChanged(before, result!)) {
      const tables = result ? benchTables({ ...result, rows: [] }) : [];
      anyElement('bench-whole').replaceChildren(...tables.map(tableSection));
    }
    if (result) this.rows.draw(result);
    if (before?.rows !== result?.rows || !before) this.roofline.draw(result, this.narrow.matches);
    drawSkipped(result);
  }
}

/** Whether there is more than rows. */
const hasChanged = (before: BenchResult, now: BenchResult) =>
  (['breakdowns', 'sweep', 'step', 'forward', 'sample'] as const).some((part) => before[part] !== now[part]);

function drawReadings(result: BenchResult | undefined): void {
  const reading = (id: string, total: BenchTotal | null | undefined) => {
    if (total)
      setReading(id, `${measured(total.ms.median)} ms`, ` ${measured(total.imagesPerSecond)} images/s`);
    else setReading(id, '–');
  };
  reading('bench-step', result?.step);
  reading('bench-forward', result?.forward);
  reading('bench-sample', result?.sample);
  const peak = result?.peak;
  setReading('bench-gflops', peak ? measured(peak.gflops) : '–', peak ? ' GFLOP/s' : '');
  setReading('bench-gbps', peak ? measured(peak.gbps) : '–', peak ? ' GB/s' : '');
}

function drawSkipped(result: BenchResult | undefined): void {
  const skipped = result?.skipped ?? [];
  anyElement('bench-skipped').hidden = skipped.length === 0;
  setText(anyElement('bench-skipped-count'), `Not run: ${whole(skipped.length)}`);
  const lines = skippedLines(skipped).map((line) => element('li', '', line.replace(/^not run: /, '')));
  anyElement('bench-skipped-list').replaceChildren(...lines);
}
