/** The fields of the Make view for networks with classes: classes, by buttons or as text, guidance and network calls. */
import { areNumbers, exampleText, isSpelled, labelsIn, shownNames } from '../../pictures/class_names';
import { chooseEnlarge } from '../../run/enlarging';
import { plural } from '../../text/units';
import { callsChoices, initialFor, type Settings } from '../messages/settings';
import { connectClasses } from '../shell/class_buttons';
import { anyElement, button, byId, onClick, setDisabled, setHidden, setMessage, setText } from '../shell/dom';
import { connectFields } from '../shell/fields';
import { listed } from '../shell/format';
import { hasDigitClasses } from '../shell/state';
import { AUTOMATIC, callsChoice, callsText, planMaking, stepsText } from './making';
import type { SampleOrders } from './orders';

export function connectOrder(orders: SampleOrders) {
  const { app } = orders;
  const form = byId('sample-settings', HTMLFormElement);
  const fields = connectFields(app, form, anyElement('sample-problem'));
  const guidance = byId('guidance', HTMLInputElement);
  const text = connectText(orders);
  const renderCalls = connectCalls(orders);
  const renderDigits = connectClasses('digit', 'all', (digit) => {
    text.clear();
    app.set('digit', digit);
    orders.order();
  });
  guidance.addEventListener('input', () => app.changed());
  guidance.addEventListener('change', () => orders.again());
  onClick('noise-next', () => {
    app.set('noise', String((app.settings.noise + 1) % 2 ** 32));
    orders.order();
  });

  return {
    get valid(): boolean {
      return fields.valid && text.valid;
    },
    /** Whether what the fields hold can be made; if the text cannot, it shows the reason. */
    check: () => text.check() && fields.valid,
    render() {
      const { network, settings } = app;
      const hasClasses = network.classes > 0;
      fields.render();
      text.render();
      for (const id of ['digits', 'text-form', 'guidance-field']) setHidden(id, !hasClasses);
      // A class, or a text, has its own number of images, and the calls have their steps.
      for (const id of ['steps-field', 'count-field']) setHidden(id, hasClasses);
      setHidden('enlarge-field', chooseEnlarge(network, settings.enlarge) === undefined);
      byId('count', HTMLInputElement).placeholder = String(orders.usualCount);
      setDisabled('noise-next', !(orders.canReplace && this.valid));
      const isDigit = hasDigitClasses(network);
      setText('digits-legend', isDigit ? 'Digit' : 'Class');
      setText('guidance-what', isDigit ? 'digit' : 'class');
      setText('field-what', isDigit ? 'digit' : 'image');
      setText('guidance-value', guidance.value);
      renderDigits({
        names: shownNames(network),
        chosen: settings.digit,
        isPressed: !settings.text,
        isOpen: orders.canReplace,
      });
      renderCalls();
    },
  };
}

/**
 * The choice of the number of network calls per image. An order that is not the usual one, whatever has made it so, is said beside Make, with
 * a button that undoes it.
 */
function connectCalls(orders: SampleOrders): () => void {
  const { app } = orders;
  const choose = (changes: Partial<Settings>) => {
    app.address.take(changes);
    orders.again();
  };
  for (const calls of callsChoices) {
    onClick(`calls-${calls}`, () => {
      const { guidance } = calls === '2' ? initialFor(app.settings.recipe) : app.settings;
      // Other sampling settings would contradict the choice.
      choose({ ...AUTOMATIC, calls, guidance });
    });
  }
  onClick('usual', () => {
    const { guidance, count } = initialFor(app.settings.recipe);
    // The number of images of a class has no field.
    choose({ ...AUTOMATIC, guidance, ...(app.network.classes > 0 ? { count } : {}) });
  });
  return () => {
    const { network, source, settings } = app;
    const { making } = orders;
    const hasClasses = network.classes > 0;
    for (const choice of callsChoices)
      button(`calls-${choice}`).ariaPressed = String(callsChoice(making) === choice);
    setDisabled('calls-2', source !== 'pretrained');
    const isDistilled = network.sampling.calls !== undefined;
    setHidden('calls', !hasClasses || isDistilled);
    // Its sampling is what it has learned.
    for (const id of ['steps', 'guidance']) byId(id, HTMLInputElement).disabled = isDistilled;
    const steps = stepsText(making, network);
    const calls = callsText(making, network);
    setText('calls-note', `${steps} · ${calls}`);
    byId('steps', HTMLInputElement).placeholder = String(making.steps);
    setText('steps-calls', calls);

    const usual = planMaking(initialFor(settings.recipe), source, network);
    const isInstant = making.source === 'instant';
    const words = [
      isInstant && calls,
      !isInstant && (making.steps !== usual.steps || making.method !== usual.method) && steps,
      !isInstant && hasClasses && making.guidance !== usual.guidance && `guidance ${making.guidance}`,
      hasClasses && !settings.text && settings.count > 0 && plural(settings.count, 'image'),
    ].filter((each) => each !== false);
    setHidden('unusual', words.length === 0);
    setText('unusual-text', `Not the usual order: ${listed(words)}.`);
  };
}

/** A word, a number or a list of classes, an image for each: they follow while it is written, and Enter makes them. */
function connectText(orders: SampleOrders) {
  const { app } = orders;
  const form = byId('text-form', HTMLFormElement);
  const input = byId('text', HTMLInputElement);
  const message = anyElement('text-problem');
  const problem = () =>
    app.network.classes > 0 ? labelsIn(app.settings.text, app.network).problem : undefined;
  const fields = connectFields(app, form, message, () => {
    if (problem() === undefined) orders.follow();
  });
  /** What the message is about: nothing while something is typed, which may become right. */
  let about: 'text' | 'nothing' | 'empty' = 'text';
  const words = () => {
    const empty = `The field is empty. Write what to make, such as ${exampleText(app.network)}, or press one of the buttons.`;
    return { empty, text: problem(), nothing: undefined }[about];
  };
  const complain = () => {
    if (!fields.valid) return;
    input.ariaInvalid = String(words() !== undefined);
    setMessage(message, words());
  };
  /** Whether there is nothing to complain of; else says it. */
  const isRight = (what: 'text' | 'empty') => {
    about = what;
    complain();
    const right = fields.valid && words() === undefined;
    if (!right) input.focus();
    return right;
  };
  form.addEventListener('submit', () => {
    if (isRight(input.value.trim() === '' ? 'empty' : 'text')) orders.order();
  });
  input.addEventListener('change', () => {
    about = 'text';
  });
  input.addEventListener('input', () => {
    about = 'nothing';
    complain();
  });
  return {
    get valid() {
      return fields.valid || app.network.classes === 0;
    },
    check: () => app.network.classes === 0 || isRight('text'),
    render() {
      fields.render();
      complain();
      const { network } = app;
      const isNumber = areNumbers(network) && network.classes <= 10;
      setText('text-label', isNumber ? 'Number' : isSpelled(network) ? 'Text' : 'Classes');
      input.placeholder = exampleText(network);
      input.inputMode = isNumber ? 'numeric' : 'text';
    },
    clear() {
      input.value = '';
      input.dispatchEvent(new Event('change'));
    },
  };
}
