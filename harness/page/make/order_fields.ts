/** The fields of the Make view for networks with classes: classes, by buttons or as text, guidance and network calls. */
import { areNumbers, exampleOf, isSpelled, labelsIn, namesOf } from '../../pictures/class_names';
import { plural } from '../../text/units';
import { callsChoices, type FlowMethod, initialOf, show } from '../messages/settings';
import type { App } from '../shell/app';
import {
  anyElement,
  button,
  byId,
  fitNames,
  makeButton,
  onClick,
  setDisabled,
  setHidden,
  setMessage,
  setText,
} from '../shell/dom';
import { connectFields } from '../shell/fields';
import { listed } from '../shell/format';
import { makesDigits } from '../shell/state';
import { AUTOMATIC, callsIn, choiceOf, type Making, makingOf } from './calls';

/** The settings that say how images are made. */
const MAKING_KEYS = ['calls', 'steps', 'method', 'guidance'] as const;

const NAMES: Readonly<Record<FlowMethod, string>> = { euler: 'Euler', heun: 'Heun', adams: 'Adams' };

interface OrderFields {
  readonly valid: boolean;
  /** Whether the text of the field can be made; if not, shows the reason. */
  check(): boolean;
  /** `comparing`: two columns are made as they say, whatever the settings. */
  render(open: boolean, comparing: boolean): void;
}

/** Callbacks by which the fields command the panel. */
interface Orders {
  /** Makes the chosen images. */
  readonly order: () => void;
  /** The same, if images are shown already. */
  readonly again: () => void;
  /** The text has changed: the images follow at once. */
  readonly follow: () => void;
  /** Network and sampling of the chosen images. */
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
  const tellGuidance = (value: string) => setText('guidance-value', value);
  guidance.addEventListener('input', () => tellGuidance(guidance.value));
  guidance.addEventListener('change', again);
  const unusual = connectUnusual(app, again, making);

  return {
    get valid() {
      return text.valid;
    },
    check: text.check,
    render(open, comparing) {
      const { network } = app;
      const { classes } = network;
      fields.render();
      text.render();
      setHidden('digits', classes === 0);
      setHidden('text-form', classes === 0);
      unusual.render(comparing);
      setHidden('calls-field', comparing);
      // A class, or a text, has its own number of images, and the calls have their steps.
      setHidden('steps-field', comparing || classes > 0);
      setHidden('count-field', classes > 0);
      form.hidden = comparing || classes === 0;
      const isDigit = makesDigits(network);
      setText('digits-legend', isDigit ? 'Digit' : 'Class');
      setText('guidance-what', isDigit ? 'digit' : 'class');
      tellGuidance(guidance.value);
      digits.render(open);
      calls.render();
    },
  };
}

/** Connects the choice of the number of network calls per image. */
function connectCalls(app: App, again: () => void, making: () => Making): { render(): void } {
  for (const choice of callsChoices) {
    onClick(`calls-${choice}`, () => {
      // Other sampling settings would contradict the choice.
      const open = { ...app.settings, ...AUTOMATIC, calls: choice };
      const { guidance } = choice === '2' ? initialOf(app.settings.recipe) : app.settings;
      for (const key of MAKING_KEYS) app.set(key, show(key, { ...open, guidance }));
      again();
    });
  }
  return {
    render() {
      const { network, source } = app;
      const made = making();
      const { steps, method } = made;
      const calls = plural(callsIn(made, network), 'network call');
      const isFlow = network.recipe !== 'tutorial';
      const how =
        made.source === 'instant'
          ? ' of a network taught to do it in two'
          : isFlow
            ? ` of ${NAMES[method]}`
            : '';
      for (const choice of callsChoices) {
        const pressed = choiceOf(made) === choice;
        button(`calls-${choice}`).ariaPressed = String(pressed);
      }
      setDisabled('calls-2', source !== 'pretrained');
      const isDistilled = network.sampling.calls !== undefined;
      setHidden('calls', network.classes === 0 || isDistilled);
      // Its sampling is what it has learned.
      for (const id of ['steps', 'guidance']) byId(id, HTMLInputElement).disabled = isDistilled;
      setText('calls-note', `${plural(steps, 'step')}${how} · ${calls}`);
      byId('steps', HTMLInputElement).placeholder = String(steps);
      setText('steps-calls', calls);
    },
  };
}

/** An order that is not the usual one, whatever has made it so: a line beside Make says it, with a button that undoes it. */
function connectUnusual(app: App, again: () => void, making: () => Making) {
  /** The number of images of a class has no field. */
  const ofClasses = () => app.network.classes > 0;
  onClick('usual', () => {
    const usual = initialOf(app.settings.recipe);
    for (const key of MAKING_KEYS) app.set(key, show(key, usual));
    if (ofClasses()) app.set('count', show('count', usual));
    again();
  });
  const unusual = (): string[] => {
    const { settings, source, network } = app;
    const made = making();
    const usual = makingOf(initialOf(settings.recipe), source, network);
    const { steps, method, guidance } = made;
    const count =
      ofClasses() && !settings.text && settings.count > 0 ? [plural(settings.count, 'image')] : [];
    if (made.source === 'instant') return [plural(callsIn(made, network), 'network call'), ...count];
    const named = network.recipe === 'tutorial' ? '' : ` of ${NAMES[method]}`;
    const isOther = steps !== usual.steps || method !== usual.method;
    return [
      ...(isOther ? [`${plural(steps, 'step')}${named}`] : []),
      ...(ofClasses() && guidance !== usual.guidance ? [`guidance ${guidance}`] : []),
      ...count,
    ];
  };
  return {
    render(comparing: boolean) {
      const words = comparing ? [] : unusual();
      setHidden('unusual', words.length === 0);
      setText('unusual-text', `Not the usual order: ${listed(words)}.`);
    },
  };
}

/** A word, a number or a list of classes, an image for each: they follow while it is written, and Enter makes them. */
function connectText(app: App, order: () => void, follow: () => void) {
  const form = byId('text-form', HTMLFormElement);
  const input = byId('text', HTMLInputElement);
  const message = anyElement('text-problem');
  /** Whether something is being typed, which may become right; and whether nothing was written where something was ordered. */
  let [typing, empty] = [false, false];
  const problem = () =>
    app.network.classes > 0 ? labelsIn(app.settings.text, app.network).problem : undefined;
  const fields = connectFields(app, form, message, () => {
    if (problem() === undefined) follow();
  });
  const complain = () => {
    if (!fields.valid) return;
    const example = exampleOf(app.network);
    const words = empty
      ? `The field is empty. Write what to make, such as ${example}, or press one of the buttons.`
      : typing
        ? undefined
        : problem();
    input.ariaInvalid = String(words !== undefined);
    setMessage(message, words);
  };
  const check = () => {
    const { classes } = app.network;
    if (classes === 0 || (fields.valid && problem() === undefined)) return true;
    typing = false;
    complain();
    input.focus();
    return false;
  };
  form.addEventListener('submit', () => {
    empty = input.value.trim() === '';
    if (empty) {
      complain();
      input.focus();
    } else if (check()) order();
  });
  input.addEventListener('change', () => {
    typing = false;
  });
  input.addEventListener('input', () => {
    [typing, empty] = [true, false];
    complain();
  });
  return {
    get valid() {
      return fields.valid || app.network.classes === 0;
    },
    check,
    render() {
      fields.render();
      complain();
      const { network } = app;
      const isNumber = areNumbers(network) && network.classes <= 10;
      setText('text-label', isNumber ? 'Number' : isSpelled(network) ? 'Text' : 'Classes');
      input.placeholder = exampleOf(network);
      input.inputMode = isNumber ? 'numeric' : 'text';
    },
    clear() {
      empty = false;
      input.value = '';
      input.dispatchEvent(new Event('change'));
    },
  };
}

function connectDigits(app: App, choose: (digit: string) => void): { render(open: boolean): void } {
  const host = anyElement('digit-buttons');
  let shown = '';
  const buttons = () => [...host.querySelectorAll('button')];
  const buttonOf = (choice: string, name: string) => {
    const button = makeButton(name, () => choose(choice), { id: `digit-${choice}`, dir: 'auto' });
    button.dataset.choice = choice;
    return button;
  };
  host.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const all = buttons();
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    const moved = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
    const to = moved === undefined ? undefined : all[(moved + all.length) % all.length];
    // A key chooses the class that it names.
    const typed = all
      .slice(1)
      .find(({ textContent }) => textContent?.toLowerCase() === event.key.toLowerCase());
    if (!to && !typed) return;
    event.preventDefault();
    (to ?? typed)!.focus();
    typed?.click();
  });
  return {
    render(open) {
      const { network, settings } = app;
      const names = namesOf(network);
      if (names.join('\n') !== shown) {
        shown = names.join('\n');
        fitNames(host, names);
        host.replaceChildren(
          buttonOf('all', 'all'),
          ...names.map((name, label) => buttonOf(String(label), name)),
        );
      }
      const { digit, text } = settings;
      const one = digit === 'all' || digit >= network.classes ? 'all' : String(digit);
      for (const button of buttons()) {
        button.ariaPressed = String(!text && button.dataset.choice === one);
        // One stop for the Tab key; arrows move between the keys.
        button.tabIndex = button.dataset.choice === one ? 0 : -1;
        setDisabled(button, !open);
      }
    },
  };
}
