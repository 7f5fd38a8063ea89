/** The table of the check. A row opens to its cases, the element that errs most, and what ran. */
import type { CheckedCase, CheckRow } from '../../run/check';
import { compileText, resultWords, shareText, valueText, worstCase, worstText } from '../../run/check_export';
import { byId } from '../shell/dom';
import { whole } from '../shell/format';
import { sourcesOf } from '../shell/sources';
import { cell, element, extraRow } from '../shell/table';
import { explainWords } from '../shell/terms';
import { factList, openRow } from './open_row';

const COLUMNS = 6;
const CLASSES = { pass: 'good', fail: 'bad-text', skipped: 'muted' } as const;

export class CheckTable {
  private readonly body: HTMLTableSectionElement;
  private drawn = 0;

  constructor() {
    const table = byId('check-table', HTMLTableElement);
    explainWords(table);
    this.body = table.tBodies[0];
  }

  clear(): void {
    this.body.replaceChildren();
    this.drawn = 0;
  }

  /** Draws what has come since, so that a selection and the scroll position survive. */
  draw(rows: readonly CheckRow[]): void {
    for (; this.drawn < rows.length; this.drawn++) this.add(rows[this.drawn]);
  }

  private add(checked: CheckRow): void {
    const { kernel, variant, cases, share, result, reason, inUse, each } = checked;
    const row = this.body.insertRow();
    row.classList.toggle('in-use', inUse === true);
    cell(row, kernel);
    cell(row, resultWords[result], CLASSES[result]);
    cell(row, inUse ? `${variant} *` : variant);
    cell(row, result === 'skipped' ? '' : whole(cases), 'number');
    cell(row, compileText(checked), 'number');
    const error = cell(row, '');
    if (result !== 'skipped') error.append(bar(share, result === 'pass'), shareText(share));
    if (reason) extraRow(this.body, COLUMNS, reason, result === 'fail' ? 'wrap' : 'muted');
    if (each.length > 0) openRow(row, COLUMNS, (box) => box.append(...detailsOf(checked)));
  }
}

function bar(share: number, passed: boolean): HTMLElement {
  const made = element('span', passed ? 'bar good-bar' : 'bar bad-bar');
  made.style.setProperty('--share', `${100 * Math.min(share, 1)}%`);
  return made;
}

function detailsOf({ kernel, each, shaders }: CheckRow): HTMLElement[] {
  const worst = worstCase(each);
  return [
    factList(worst?.worst ? worstFacts(worst) : { 'Worst element': exactness(each) }),
    caseTable(each),
    sourcesOf(kernel, shaders),
  ];
}

const exactness = (each: readonly CheckedCase[]) =>
  each.every(({ pass }) => pass)
    ? 'None: all numbers of all cases are exact'
    : 'None: it failed in another way';

function worstFacts({ title, share, worst }: CheckedCase): Record<string, string> {
  const { tensor, index, place, expected, actual, allowed } = worst!;
  return {
    'Worst element': `${tensor}[${index}]${place}`,
    'in the case': title,
    expected: valueText(expected),
    actual: valueText(actual),
    error: Math.abs(actual - expected).toPrecision(3),
    'allowed error': `${allowed.toPrecision(3)}, of which ${shareText(share)} is used`,
  };
}

function caseTable(each: readonly CheckedCase[]): HTMLElement {
  const scroll = Object.assign(element('div', 'table cases'), {
    ...{ tabIndex: 0, role: 'group', ariaLabel: 'Cases' },
  });
  const table = element('table', '');
  const titles = table.createTHead().insertRow();
  for (const title of ['Case', 'Result', 'Share', 'Worst element', 'Shape'])
    titles.append(Object.assign(element('th', title === 'Share' ? 'number' : '', title), { scope: 'col' }));
  const body = table.createTBody();
  for (const { title, pass, share, worst, shape } of each) {
    const row = body.insertRow();
    cell(row, title);
    cell(row, pass ? resultWords.pass : resultWords.fail, pass ? CLASSES.pass : CLASSES.fail);
    cell(row, shareText(share), 'number');
    cell(row, worstText(worst) || (pass ? 'none: exact' : ''));
    cell(row, shape);
  }
  scroll.append(table);
  return scroll;
}
