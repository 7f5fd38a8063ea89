/** The comparison as Markdown. */
import { short } from '../../bench/table';
import { type Mode, OURS, type PeerTimes, type Row } from './compare';

const titles: Readonly<Record<Mode, string>> = {
  train: 'Training step (upload, forward, backward, Adam, loss read back)',
  forward: 'Forward pass (upload, network, whole output read back)',
};

const ms = (seconds: number | undefined) => (seconds === undefined ? '' : short(seconds * 1000));

export function table(
  { results, recipe, batch }: PeerTimes,
  versions: Readonly<Record<string, string>>,
): string {
  return results
    .map(({ mode, rows }) => {
      const title = `${titles[mode]}, recipe ${recipe}, ${batch} images`;
      return `${title}\n\n${modeTable(rows, batch, versions)}`;
    })
    .join('\n\n');
}

function modeTable(rows: readonly Row[], batch: number, versions: Readonly<Record<string, string>>) {
  const head = ['', 'first, s', 'median, ms', 'min - max, ms', 'n', 'images/s', 'to ours', 'differs by', ''];
  const cells = rows.map(({ name, first, seconds, median, ratio, difference, note }) => [
    `${name} ${versions[name] ?? ''}`.trim(),
    first === undefined ? '' : short(first),
    ms(median),
    seconds.length > 0 ? `${ms(Math.min(...seconds))} - ${ms(Math.max(...seconds))}` : '',
    String(seconds.length),
    median === undefined ? '' : short(batch / median),
    name === OURS || ratio === undefined ? '' : `${short(ratio)}x`,
    difference === undefined ? '' : difference.toExponential(1),
    note ?? '',
  ]);
  return markdown(head, cells);
}

/** Leaves out empty columns; sets the first and the last, which are words, on the left. */
function markdown(head: readonly string[], cells: readonly (readonly string[])[]): string {
  const all = [head, ...cells];
  const shown = head.map((_, i) => i).filter((i) => i === 0 || all.some((row) => row[i] !== ''));
  const width = (i: number) => Math.max(...all.map((row) => row[i].length), 3);
  const isText = (i: number) => i === 0 || i === head.length - 1;
  const line = (row: readonly string[]) =>
    `| ${shown.map((i) => (isText(i) ? row[i].padEnd(width(i)) : row[i].padStart(width(i)))).join(' | ')} |`;
  const rule = `|${shown.map((i) => (isText(i) ? '-'.repeat(width(i) + 2) : `${'-'.repeat(width(i) + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...cells.map(line)].join('\n');
}
