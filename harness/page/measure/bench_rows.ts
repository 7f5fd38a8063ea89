/** The table of the kernels that were timed. A row opens to what exactly was timed, and what ran. */
import type { BenchResult, BenchRow } from '../../bench/result';
import { inUseNote, isInUse, kernelsTitle, rowCells, rowHead, short } from '../../bench/table';
import { shareText, worstText } from '../../run/check_export';
import { anyElement } from '../shell/dom';
import { whole } from '../shell/format';
import { sourcesOf } from '../shell/sources';
import { appendRow, extraRow, tableSection } from '../shell/table';
import { factList, type OpenRow, openRow } from './open_row';

/** Kernel, variant and layer form one name here, so that a phone shows the milliseconds beside it. */
const TABLE = { head: ['kernel', ...rowHead.slice(3)], text: 1 };

const nameOf = ({ kernel, variant, layer }: BenchRow) => `${kernel}.${variant} ${layer}`;

export class BenchRows {
  private body: HTMLTableSectionElement | undefined;
  private drawn = 0;
  private rows = new Map<string, OpenRow>();

  clear(): void {
    this.body = undefined;
    this.drawn = 0;
    this.rows.clear();
    anyElement('bench-rows').replaceChildren();
  }

  /** Draws what has come since, so that a selection and the scroll position survive. */
  draw(result: BenchResult): void {
    if (result.rows.length === 0) return;
    if (!this.body) {
      const title = kernelsTitle(result);
      const section = tableSection({ ...TABLE, title, lead: inUseNote(result), rows: [] });
      anyElement('bench-rows').replaceChildren(section);
      this.body = section.querySelector('table')!.tBodies[0];
    }
    for (; this.drawn < result.rows.length; this.drawn++)
      this.add(this.body, result, result.rows[this.drawn]);
  }

  /** By `kernel.variant layer`. */
  open(name: string): void {
    this.rows.get(name)?.open();
  }

  private add(body: HTMLTableSectionElement, result: BenchResult, measured: BenchRow): void {
    const inUse = isInUse(result, measured);
    const [kernel, variant, layer, ...cells] = rowCells(measured, inUse);
    const row = appendRow(body, [`${kernel}.${variant} ${layer}`, ...cells], TABLE);
    row.classList.toggle('in-use', inUse === true);
    const { failure } = measured.check;
    if (failure) extraRow(body, TABLE.head.length, failure, 'wrap');
    const opened = openRow(row, TABLE.head.length, (box) => box.append(...detailsOf(measured)));
    this.rows.set(nameOf(measured), opened);
  }
}

function detailsOf(row: BenchRow): HTMLElement[] {
  const { kernel, variant, batch, ms, shape, flops, bytes, shaders, check } = row;
  const rate = (name: string, value: number | null) => (value ? `${short(value)} ${name}` : '');
  const facts = factList({
    Variant: `${kernel}.${variant}`,
    Shape: shape ?? `batch ${batch}; the file says no more`,
    Operations: flops === undefined ? '' : `${whole(flops)}, nominal`,
    Bytes: bytes === undefined ? '' : `${whole(bytes)}, each once`,
    Samples: ms
      ? `${ms.n}: median ${short(ms.median)} ms, a tenth below ${short(ms.p10)}, a tenth above ${short(ms.p90)}`
      : 'none',
    Rates: [rate('GFLOP/s', row.gflops), rate('GB/s', row.gbps)].filter(Boolean).join(', '),
    'Check before it': check.pass
      ? `passed with ${shareText(check.share)} of the allowed error; worst ${worstText(check.worst) || 'none'}`
      : 'failed',
  });
  return shaders ? [facts, sourcesOf(kernel, shaders)] : [facts];
}
