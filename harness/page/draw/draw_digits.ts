/** The digit that the network is told about a drawing, or none in particular. */
import type { App } from '../shell/app';
import { anyElement } from '../shell/dom';

const CHOICES = ['all', ...Array.from({ length: 10 }, (_, digit) => String(digit))];

export function connectDrawDigits(app: App): { render(): void } {
  const buttons = CHOICES.map((choice) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.id = `draw-digit-${choice}`;
    button.textContent = choice === 'all' ? 'any' : choice;
    button.addEventListener('click', () => app.set('told', choice));
    return button;
  });
  anyElement('draw-digit-buttons').replaceChildren(...buttons);
  return {
    render() {
      const { told } = app.settings;
      // A class beyond these is none in particular here.
      const pressed = CHOICES.includes(String(told)) ? String(told) : 'all';
      CHOICES.forEach((choice, i) => {
        buttons[i].setAttribute('aria-pressed', String(choice === pressed));
      });
    },
  };
}
