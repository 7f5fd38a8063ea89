/**
 * Words that explain themselves: on hover, focus and touch a small box says what one means. In the markup, `data-word` marks them; where
 * that is the label of a field, a question mark beside it takes the part of the word, as what is inside a label belongs to the field.
 */
import { glossary, isWord, type Word } from './glossary_words';

/** A pointer that merely crosses a word opens no box. Milliseconds. */
const HOVER_MS = 150;
/** Distance between the word and its box, and between the box and the window's edge, in CSS pixels. */
const GAP = 6;

const box = document.createElement('div');
const name = document.createElement('strong');
const meaning = document.createElement('p');
Object.assign(box, { id: 'glossary', className: 'glossary', popover: 'manual', hidden: true });
box.setAttribute('role', 'tooltip');
box.append(name, meaning);

/** The word whose box is open. */
let open: HTMLButtonElement | undefined;
let soon: ReturnType<typeof setTimeout> | undefined;

/** A word of a text, or a question mark, that explains `word`. */
export function term(word: Word, text: string = word): HTMLButtonElement {
  const button = document.createElement('button');
  Object.assign(button, { type: 'button', className: 'term', textContent: text });
  button.dataset.means = word;
  return button;
}

/** Turns the marked words of the page into words that explain themselves, and listens to all of them, also those that come later. */
export function connectGlossary(): void {
  document.querySelector('main')!.append(box);
  for (const marked of document.querySelectorAll<HTMLElement>('[data-word]')) explain(marked);
  // Focus and pointer do not bubble by themselves as these do.
  document.addEventListener('focusin', ({ target }) => openWord(termAt(target)));
  document.addEventListener('pointerover', ({ target, pointerType }) => {
    if (pointerType === 'touch' || inBox(target)) clearTimeout(soon);
    else later(termAt(target));
  });
  document.addEventListener('click', ({ target }) => {
    if (!inBox(target)) openWord(termAt(target));
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && open) openWord(undefined);
  });
  // It stays with its word: where the focus moves to a word out of sight, the browser scrolls there.
  for (const moved of ['scroll', 'resize']) {
    addEventListener(moved, () => open && place(open.getBoundingClientRect()), {
      capture: true,
      passive: true,
    });
  }
}

function explain(marked: HTMLElement): void {
  const { word } = marked.dataset;
  if (!isWord(word)) throw new Error(`index.html marks ${word}, which glossary_words.ts does not explain`);
  if (!(marked instanceof HTMLLabelElement)) {
    marked.replaceChildren(term(word, marked.textContent));
    return;
  }
  const mark = term(word, '?');
  mark.classList.add('mark');
  mark.setAttribute('aria-label', `What is meant by ${word}?`);
  const both = document.createElement('span');
  both.className = 'explained';
  marked.replaceWith(both);
  both.append(marked, mark);
}

const termAt = (target: EventTarget | null) =>
  (target instanceof Element ? target.closest<HTMLButtonElement>('button.term') : undefined) ?? undefined;

const inBox = (target: EventTarget | null) => target instanceof Node && box.contains(target);

/** Shows a word's box after a delay. The box of the focused word stays open while the word has the focus. */
function later(word: HTMLButtonElement | undefined): void {
  clearTimeout(soon);
  const focused = termAt(document.activeElement);
  const next = word ?? (focused?.matches(':focus-visible') ? focused : undefined);
  if (next !== open) soon = setTimeout(() => openWord(next), HOVER_MS);
}

function openWord(word: HTMLButtonElement | undefined): void {
  clearTimeout(soon);
  if (word === open) return;
  open?.removeAttribute('aria-describedby');
  open = word;
  box.hidden = word === undefined;
  // Browsers without popovers show the box all the same, if under whatever lies above.
  if (!word) {
    box.hidePopover?.();
    return;
  }
  const means = word.dataset.means as Word;
  name.textContent = means;
  meaning.textContent = glossary[means];
  word.setAttribute('aria-describedby', box.id);
  box.showPopover?.();
  place(word.getBoundingClientRect());
}

/** Below the word, or above it where there is no room; within the window. */
function place({ left, top, bottom }: DOMRect): void {
  const { width, height } = box.getBoundingClientRect();
  const { clientWidth, clientHeight } = document.documentElement;
  const fits = bottom + GAP + height <= clientHeight;
  box.style.left = `${Math.max(GAP, Math.min(left, clientWidth - width - GAP))}px`;
  box.style.top = `${fits ? bottom + GAP : Math.max(GAP, top - GAP - height)}px`;
}
