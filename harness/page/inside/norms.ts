/** The norm of each layer's gradient as bars. */
import { anyElement } from '../shell/dom';
import type { NumberOf } from '../worker/inside_messages';
import { number } from './part_view';

export function showNorms(norms: NumberOf): void {
  const most = Math.max(...Object.values(norms));
  anyElement('inside-norms').replaceChildren(
    ...Object.entries(norms).map(([name, norm]) => {
      const row = document.createElement('div');
      const bar = Object.assign(document.createElement('span'), { className: 'norm-bar' });
      bar.style.width = `${most > 0 ? (100 * norm) / most : 0}%`;
      const track = Object.assign(document.createElement('dd'), { className: 'norm' });
      track.append(bar, Object.assign(document.createElement('span'), { textContent: number(norm) }));
      row.append(Object.assign(document.createElement('dt'), { textContent: name }), track);
      return row;
    }),
  );
}
