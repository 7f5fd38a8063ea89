/** A button for each class, and one for all of them. */
import { anyElement, fitNames, makeButton, setDisabled } from './dom';

interface Shown {
  readonly names: readonly string[];
  /** The class that is chosen: of others than there are, all. */
  readonly chosen: number | 'all';
  /** Whether its button is pressed: else something beside the buttons is chosen. */
  readonly isPressed?: boolean;
  readonly isOpen?: boolean;
}

/** `id`: `draw-digit` for the element `draw-digit-buttons`. `all`: the name of the first button. Returns what draws them anew. */
export function connectClasses(
  id: string,
  all: string,
  choose: (choice: string) => void,
): (shown: Shown) => void {
  const host = anyElement(`${id}-buttons`);
  let before: string | undefined;
  let buttons: HTMLButtonElement[] = [];
  host.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { length } = buttons;
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const moved = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: length - 1 }[event.key];
    // A key chooses the class that it names.
    const typed = buttons.find(
      ({ textContent }, i) => i > 0 && textContent?.toLowerCase() === event.key.toLowerCase(),
    );
    const to = moved === undefined ? typed : buttons[(moved + length) % length];
    if (!to) return;
    event.preventDefault();
    to.focus();
    if (moved === undefined) to.click();
  });
  return ({ names, chosen, isPressed = true, isOpen = true }) => {
    if (names.join('\n') !== before) {
      before = names.join('\n');
      fitNames(host, names);
      buttons = ['all', ...names.keys()].map((choice, i) =>
        makeButton(names[i - 1] ?? all, () => choose(String(choice)), { id: `${id}-${choice}`, dir: 'auto' }),
      );
      host.replaceChildren(...buttons);
    }
    const one = chosen === 'all' || chosen >= names.length ? 0 : chosen + 1;
    for (const [i, button] of buttons.entries()) {
      button.ariaPressed = String(isPressed && i === one);
      // One stop for the Tab key; arrows move between the buttons.
      button.tabIndex = i === one ? 0 : -1;
      setDisabled(button, !isOpen);
    }
  };
}
