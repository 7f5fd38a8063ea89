/** A row of the table of runs. Its elements stay while its numbers change, so that what is pressed or has the focus stays, too. */
import { setText } from '../shell/dom';
import { cellsOf, columns, type RunRow } from './runs';

export interface RowActions {
  /** Draws the run beside the page's own, or no more. */
  draw(on: boolean): void;
  putAside(): void;
  goOn(): void;
  remove(): void;
}

export interface RowView {
  readonly element: HTMLTableRowElement;
  /** `hue`: its colour, if it is drawn. */
  update(row: RunRow, hue: number | undefined): void;
}

export function createRow({ where }: Pick<RunRow, 'where'>, actions: RowActions): RowView {
  const element = document.createElement('tr');
  const head = element.appendChild(Object.assign(document.createElement('th'), { scope: 'row' }));
  const swatch = Object.assign(document.createElement('span'), { className: 'swatch', ariaHidden: 'true' });
  const name = document.createElement('span');
  const box = Object.assign(document.createElement('input'), { type: 'checkbox' });
  box.addEventListener('change', () => actions.draw(box.checked));
  const label = document.createElement('label');
  label.append(...(where === 'page' ? [] : [box]), swatch, name);
  head.append(label);
  const cells = columns.map((_, i) => {
    const cell = element.insertCell();
    cell.className = i < 2 ? '' : 'number';
    return cell;
  });
  const last = element.insertCell();
  last.className = 'buttons';
  const buttons: HTMLButtonElement[] = [];
  const button = (text: string, press: () => void) => {
    const added = Object.assign(document.createElement('button'), { type: 'button', className: 'small' });
    added.textContent = text;
    added.addEventListener('click', press);
    buttons.push(added);
    last.append(added);
  };
  if (where === 'page') button('Put aside', actions.putAside);
  if (where === 'kept') button('Go on', actions.goOn);
  if (where !== 'page') button('Remove', actions.remove);
  return {
    element,
    update(row, hue) {
      setText(name, row.name);
      box.checked = hue !== undefined;
      box.setAttribute('aria-label', `Draw the loss of ${row.name}`);
      swatch.className = `swatch ${where === 'page' ? 'own' : hue === undefined ? 'none' : `run-${hue}`}`;
      for (const [i, text] of cellsOf(row).entries()) setText(cells[i], text);
      for (const one of buttons) {
        one.disabled = row.held;
        one.setAttribute('aria-label', `${one.textContent}: ${row.name}`);
        one.title = row.held ? 'It is open in another tab' : '';
      }
    },
  };
}
