/** On a phone, settings are folded away behind a button, so that what there is to see comes right after what there is to press. */
import { anyElement, button } from './dom';

/** The button's aria-controls names what it unfolds; style.css hides that, and shows the button, on narrow screens only. */
export function foldFields(id: string): void {
  const fold = button(id);
  const folded = fold.getAttribute('aria-controls')!.split(' ').map(anyElement);
  for (const element of folded) element.classList.add('foldable');
  fold.addEventListener('click', () => {
    const open = fold.getAttribute('aria-expanded') !== 'true';
    for (const element of folded) element.classList.toggle('unfolded', open);
    fold.setAttribute('aria-expanded', String(open));
  });
}
