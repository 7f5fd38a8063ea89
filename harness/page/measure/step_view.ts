/** Shows a measured training step: its time, the adapter's peak, and a bar for each kernel, which opens to its shaders. */

import type { Peak, Row } from '../../bench/result';
import { percent, short } from '../../text/table';
import { byId, setHidden, setReading } from '../shell/dom';
import { measured } from '../shell/format';
import { bar, cell } from '../shell/table';
import { sourcesOf } from '../sources/sources';
import { factList, openRow } from './open_row';

const COLUMNS = 4;

export interface MeasuredStep {
  readonly step?: Row;
  readonly peak?: Peak;
  /** The kernels of the step, each at all of its layers. */
  readonly kernels: readonly Row[];
}

export class StepView {
  private readonly body = byId('gpu-bars', HTMLTableElement).tBodies[0];
  private drawn: readonly Row[] = [];

  draw({ step, peak, kernels }: MeasuredStep): void {
    setHidden('gpu-readings', !step);
    if (step?.ms) {
      const { median } = step.ms;
      setReading('gpu-step', `${measured(median)} ms`, ` ${measured((1000 * step.batch) / median)} images/s`);
    }
    setReading('gpu-gflops', peak ? measured(peak.gflops) : '–', peak ? ' GFLOP/s' : '');
    setReading('gpu-gbps', peak ? measured(peak.gbps) : '–', peak ? ' GB/s' : '');
    setHidden('gpu-kernels', kernels.length === 0);
    if (this.drawn.some((kernel, i) => kernel !== kernels[i])) {
      this.body.replaceChildren();
      this.drawn = [];
    }
    // What has come since, so that what is open stays.
    for (const kernel of kernels.slice(this.drawn.length)) this.add(kernel);
    this.drawn = kernels;
  }

  private add({ kernel, variant, layer, shaders = [], ms, gflops, shareOfPeak = 0 }: Row): void {
    const row = this.body.insertRow();
    cell(row, `${kernel}.${variant}`);
    cell(row, percent(shareOfPeak), 'number');
    cell(row, gflops ? short(gflops) : '', 'number');
    cell(row, short(ms!.median), 'number');
    openRow(row, COLUMNS, (box) => box.append(factList({ Layers: layer }), sourcesOf(kernel, shaders)));
    row.cells[0].append(bar(shareOfPeak));
  }
}
