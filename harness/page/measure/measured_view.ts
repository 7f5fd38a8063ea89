/** All adapters whose results were sent, in a table and a roofline. Loaded when they are asked for. */
import { adapterOf, type MeasuredAdapter, measuredTable, nameOf } from '../../bench/measured';
import { adaptersRoofline, NARROW } from '../../bench/roofline';
import { elementOf, make } from '../shell/dom';
import { tableSection } from '../shell/table';

export async function drawMeasured(box: HTMLElement): Promise<void> {
  // A file of its own: it changes with every result.
  const { default: lines } = await import('../../../docs/results/gpu/table.json');
  const all = lines as unknown as readonly MeasuredAdapter[];
  const narrow = matchMedia('(max-width: 34rem)').matches;
  const named = all.map((one) => ({ ...adapterOf(one), name: nameOf(one) }));
  const plot = adaptersRoofline(named, narrow ? NARROW : undefined);
  const figure = make('figure', { className: 'view spaced' });
  if (plot) figure.append(elementOf(plot));
  box.replaceChildren(tableSection(measuredTable(all)), figure);
}
