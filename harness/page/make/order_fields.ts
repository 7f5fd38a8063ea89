/** What the Make tab is asked for: digits by buttons or in writing, and how strictly; for networks that are conditioned on classes. */
import type { App } from '../shell/app';
import { anyElement, button, byId, setDisabled, setMessage, setText } from '../shell/dom';
import { connectFields } from '../shell/fields';
import { some } from '../shell/format';
import { callsChoices, type FlowMethod, initialOf, show } from '../shell/settings';
import { callsIn, choiceOf, type Making, OPEN } from './calls';

const NAMES: Readonly<Record<FlowMethod, string>> = { euler: 'Euler', heun: 'Heun', adams: 'Adams' };

export interface OrderFields {
  readonly valid: boolean;
  /** Whether what is written can be made; if not, says why. */
  check(): boolean;
  render(open: boolean): void;
}

/** What the fields have the panel do. */
interface Orders {
  /** Makes what is chosen. */
  readonly order: () => void;
  /** The same, if images are shown already. */
  readonly again: () => void;
  /** What is written has changed: it follows at once. */
  readonly follow: () => void;
  /** How what is chosen is made. */
  readonly making: () => Making;
}

export function connectOrder(app: App, { order, again, follow, making }: Orders): OrderFields {
  const form = byId('guidance-form', HTMLFormElement);
  const fields = connectFields(app, form, anyElement('guidance-problem'));
  const guidance = byId('guidance', HTMLInputElement);
  const text = connectText(app, order, follow);
  const calls = connectCalls(app, again, making);
  const digits = connectDigits(app, (digit) => {
    text.clear();
    app.set('digit', digit);
    order();
  });
  const tellGuidance = (value: string) => setText(anyElement('guidance-value'), value);
  guidance.addEventListener('input', () => tellGuidance(guidance.value));
  guidance.addEventListener('change', again);
  byId('method', HTMLSelectElement).addEventListener('change', again);

  return {
    get valid() {
      return text.valid;
    },
    check: text.check,
    render(open) {
      const { network, source, state } = app;
      const { classes } = network;
      fields.render();
      text.render();
      const flow = network.recipe !== 'tutorial';
      anyElement('digits').hidden = classes === 0;
      anyElement('text-form').hidden = classes === 0;
      anyElement('method-field').hidden = !flow;
      form.hidden = !flow;
      const isDigit = classes === 10 && (source !== 'run' || (state.data?.builtIn ?? true));
      setText(anyElement('digits-legend'), isDigit ? 'Digit' : 'Class');
      setText(anyElement('guidance-what'), isDigit ? 'digit' : 'class');
      tellGuidance(guidance.value);
      digits.render(open);
      calls.render();
    },
  };
}

/** How many network calls an image takes. */
function connectCalls(app: App, again: () => void, making: () => Making): { render(): void } {
  for (const choice of callsChoices) {
    button(`calls-${choice}`).addEventListener('click', () => {
      // What is set beside it would say something else.
      const open = { ...app.settings, ...OPEN, calls: choice };
      const { guidance } = choice === '2' ? initialOf(app.settings.recipe) : app.settings;
      for (const key of ['calls', 'steps', 'method', 'guidance'] as const)
        app.set(key, show(key, { ...open, guidance }));
      again();
    });
  }
  return {
    render() {
      const { network, source } = app;
      const made = making();
      const { steps, method } = made;
      const calls = some(callsIn(made, network), 'network call');
      const isFlow = network.recipe !== 'tutorial';
      const how =
        made.source === 'instant' ? ' of the distilled network' : isFlow ? ` of ${NAMES[method]}` : '';
      for (const choice of callsChoices) {
        const pressed = choiceOf(made) === choice;
        button(`calls-${choice}`).setAttribute('aria-pressed', String(pressed));
      }
      setDisabled(button('calls-2'), source !== 'pretrained');
      const isDistilled = network.sampling.calls !== undefined;
      anyElement('calls').hidden = network.classes === 0 || isDistilled;
      // Its sampling is what it has learned.
      for (const id of ['steps', 'guidance']) byId(id, HTMLInputElement).disabled = isDistilled;
      byId('method', HTMLSelectElement).disabled = isDistilled;
      setText(anyElement('calls-note'), `${some(steps, 'step')}${how} · ${calls}`);
      byId('steps', HTMLInputElement).placeholder = String(steps);
      setText(anyElement('steps-calls'), calls);
      setText(anyElement('method-auto'), `auto: ${NAMES[method]}`);
    },
  };
}

/** A number to write, an image for each of its digits: they follow while it is written, and Enter makes them. */
function connectText(app: App, order: () => void, follow: () => void) {
  const form = byId('text-form', HTMLFormElement);
  const input = byId('text', HTMLInputElement);
  const message = anyElement('text-problem');
  /** A digit that this network does not know. */
  const unknown = () => [...app.settings.text].find((digit) => Number(digit) >= app.network.classes);
  const fields = connectFields(app, form, message, () => {
    if (unknown() === undefined) follow();
  });
  const complain = (problem: string) => {
    input.setAttribute('aria-invalid', 'true');
    setMessage(message, problem);
    input.focus();
  };
  const check = () => {
    const { classes } = app.network;
    const digit = unknown();
    if (classes === 0 || !fields.valid || digit === undefined) return fields.valid || classes === 0;
    complain(`Number has a ${digit}; this network makes the classes 0 to ${classes - 1}.`);
    return false;
  };
  form.addEventListener('submit', () => {
    if (input.value.trim() === '')
      complain('Number is empty; write the digits to make, such as 2026, or press one of the buttons.');
    else if (check()) order();
  });
  input.addEventListener('input', () => {
    if (!fields.valid) return;
    input.setAttribute('aria-invalid', 'false');
    setMessage(message, undefined);
  });
  return {
    get valid() {
      return fields.valid || app.network.classes === 0;
    },
    check,
    render: fields.render,
    clear() {
      input.value = '';
      input.dispatchEvent(new Event('change'));
    },
  };
}

function connectDigits(app: App, choose: (digit: string) => void): { render(open: boolean): void } {
  const host = anyElement('digit-buttons');
  let classes = 0;
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
  return {
    render(open) {
      const { network, settings } = app;
      if (network.classes !== classes) {
        classes = network.classes;
        makeButtons();
      }
      const { digit, text } = settings;
      const one = digit === 'all' || digit >= classes ? 'all' : String(digit);
      for (const button of buttons()) {
        button.setAttribute('aria-pressed', String(!text && button.textContent === one));
        setDisabled(button, !open);
      }
    },
  };
}
