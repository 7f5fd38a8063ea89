/** What to look at: one of ten images, and the class that the network is told. */
import { anyElement } from '../shell/dom';
import type { Looked } from '../worker/inside_messages';
import { paint, pictureOf } from './shades';

/** The images to choose from, as buttons. */
export function showChoices({ choices, labels, height, width }: Looked, chosen: number): void {
  const box = anyElement('inside-choices');
  const size = height * width;
  labels.forEach((label, i) => {
    const made = box.children[i] ?? box.appendChild(document.createElement('button'));
    const choose = made as HTMLButtonElement;
    if (!choose.firstChild) {
      Object.assign(choose, { type: 'button' }).dataset.choice = String(i);
      choose.append(document.createElement('canvas'));
    }
    choose.ariaLabel = label === undefined ? `image ${i + 1}` : `a ${label}`;
    choose.setAttribute('aria-pressed', String(i === chosen));
    paint(
      choose.firstChild as HTMLCanvasElement,
      pictureOf(choices.subarray(i * size, (i + 1) * size), height, width),
      1,
    );
  });
  while (box.children.length > labels.length) box.lastChild!.remove();
}

/** The classes that the network can be told; empty stands for the image's own. */
export function fillLabels({ classes }: Looked, select: HTMLSelectElement): void {
  select.closest<HTMLElement>('.field')!.hidden = classes === 0;
  if (select.options.length === classes + 2 || classes === 0) return;
  const own = new Option('its own', '');
  const none = new Option('none', String(classes));
  select.replaceChildren(own, ...Array.from({ length: classes }, (_, i) => new Option(String(i))), none);
}
