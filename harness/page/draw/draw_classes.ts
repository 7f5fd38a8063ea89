/** The bars of "which digit is this?". */
import { anyElement } from '../shell/dom';

/** From best to worst class: 1 for the one whose prediction errs least, 0 for the one that errs most. Pure. */
export function fits(losses: ArrayLike<number>): number[] {
  const all = Array.from(losses);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  return all.map((loss) => (most > least ? (most - loss) / (most - least) : 0));
}

/** What the bars say, in a sentence. Pure. */
export function verdict(losses: ArrayLike<number>): string {
  const [best, next] = Array.from(losses, (loss, digit) => ({ loss, digit })).sort((a, b) => a.loss - b.loss);
  const percent = (100 * (next.loss - best.loss)) / best.loss;
  return `It looks most like a ${best.digit}: told so, the network errs least. Told ${next.digit}, the next best, it errs ${percent.toFixed(percent < 10 ? 1 : 0)} % more.`;
}

export function showClasses(losses: ArrayLike<number>): void {
  const shares = fits(losses);
  const best = shares.indexOf(Math.max(...shares));
  anyElement('draw-class-rows').replaceChildren(
    ...shares.map((share, digit) => row(digit, share, losses[digit], digit === best)),
  );
}

/** Ten empty bars, so that nothing jumps when they fill. */
export function clearClasses(): void {
  anyElement('draw-class-rows').replaceChildren(
    ...Array.from({ length: 10 }, (_, digit) => row(digit, 0, undefined, false)),
  );
}

function row(digit: number, share: number, loss: number | undefined, isBest: boolean): HTMLTableRowElement {
  const row = document.createElement('tr');
  row.classList.toggle('best', isBest);
  const name = document.createElement('th');
  name.scope = 'row';
  name.textContent = String(digit);
  const bar = document.createElement('span');
  bar.className = 'bar';
  bar.style.setProperty('--share', `${(100 * share).toFixed(1)}%`);
  const words = document.createElement('span');
  words.className = 'visually-hidden';
  words.textContent = `${(100 * share).toFixed(0)} %`;
  const shown = row.appendChild(name) && row.insertCell();
  shown.append(bar, words);
  const error = row.insertCell();
  error.className = 'number muted';
  error.textContent = loss === undefined ? '–' : loss.toFixed(4);
  return row;
}
