/** Shows a measured training step: its time, the adapter's peak, and a bar for each kernel, which opens to its shaders. */

import type { StepKernel } from '../../bench/measure_step';
import type { BenchTotal, Peak } from '../../bench/result';
import { percent, short } from '../../bench/table';
import { byId, setHidden, setReading } from '../shell/dom';
import { measured } from '../shell/format';
import { bar, cell } from '../shell/table';
import { sourcesOf } from '../sources/sources';
import { factList, openRow } from './open_row';

const COLUMNS = 4;

export interface MeasuredStep {
  readonly step?: BenchTotal;
  readonly peak?: Peak;
  readonly kernels: readonly StepKernel[];
}

export class StepView {
  private readonly body = byId('gpu-bars', HTMLTableElement).tBodies[0];
  private drawn: readonly StepKernel[] = [];

  draw({ step, peak, kernels }: MeasuredStep): void {
    setHidden('gpu-readings', !step);
    if (step)
      setReading('gpu-step', `${measured(step.ms.median)} ms`, ` ${measured(step.imagesPerSecond)} images/s`);
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

  private add({ kernel, variant, layers, shaders, ms, flops, shareOfPeak }: StepKernel): void {
    const row = this.body.insertRow();
    cell(row, `${kernel}.${variant}`);
    cell(row, percent(shareOfPeak), 'number');
    cell(row, flops > 0 ? short(flops / ms / 1e6) : '', 'number');
    cell(row, short(ms), 'number');
    openRow(row, COLUMNS, (box) =>
      box.append(factList({ Layers: layers.join(', ') }), sourcesOf(kernel, shaders)),
    );
    row.cells[0].append(bar(shareOfPeak));
  }
}
