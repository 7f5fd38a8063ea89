/** The Sample tab's digits and guidance, for networks that are conditioned on classes. */
import type { App } from './app';
import { anyElement, byId, setText } from './dom';
import { connectFields } from './fields';

/** `order` makes the samples of a chosen digit; `again` does so only where samples are already shown. */
export function connectOrder(
  app: App,
  order: () => void,
  again: () => void,
): { render(open: boolean): void } {
  const host = anyElement('digit-buttons');
  const form = byId('guidance-form', HTMLFormElement);
  const fields = connectFields(app, form, anyElement('guidance-problem'));
  const guidance = byId('guidance', HTMLInputElement);
  let classes = 0;

  const choose = (digit: string) => {
    app.set('digit', digit);
    order();
  };
  const buttons = () => [...host.querySelectorAll('button')];
  const makeButtons = () => {
    host.replaceChildren(
      ...['all', ...Array.from({ length: classes }, (_, i) => String(i))].map((digit) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.id = `digit-${digit}`;
        button.textContent = digit;
        button.addEventListener('click', () => choose(digit));
        return button;
      }),
    );
  };
  host.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const all = buttons();
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    const moved = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
    const to = moved === undefined ? undefined : all[(moved + all.length) % all.length];
    // A digit key chooses that digit.
    const typed = /^\d$/.test(event.key) ? all.find(({ id }) => id === `digit-${event.key}`) : undefined;
    if (!to && !typed) return;
    event.preventDefault();
    (to ?? typed)!.focus();
    typed?.click();
  });
  const tellGuidance = (text: string) => setText(anyElement('guidance-value'), text);
  guidance.addEventListener('input', () => tellGuidance(guidance.value));
  guidance.addEventListener('change', again);
  byId('method', HTMLSelectElement).addEventListener('change', again);

  return {
    render(open) {
      const { network, settings, source, state } = app;
      fields.render();
      const flow = network.recipe === 'digits';
      anyElement('order').hidden = network.classes === 0;
      anyElement('method-field').hidden = !flow;
      form.hidden = !flow;
      if (network.classes !== classes) {
        classes = network.classes;
        makeButtons();
      }
      const isDigit = classes === 10 && (source !== 'run' || (state.data?.builtIn ?? true));
      setText(anyElement('digits-legend'), isDigit ? 'Digit' : 'Class');
      setText(anyElement('guidance-what'), isDigit ? 'digit' : 'class');
      tellGuidance(guidance.value);
      const { digit } = settings;
      const pressed = digit === 'all' || digit >= classes ? 'all' : String(digit);
      for (const button of buttons()) {
        button.setAttribute('aria-pressed', String(button.textContent === pressed));
        button.disabled = !open;
      }
    },
  };
}
