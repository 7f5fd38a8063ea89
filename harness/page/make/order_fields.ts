/** The fields of the Make view for networks with classes: classes, by buttons or as text, guidance and network calls. */
import { areNumbers, exampleOf, isSpelled, labelsIn, namesOf } from '../../pictures/class_names';
import { enlargeOf } from '../../run/enlarging';
import { plural } from '../../text/units';
import { callsChoices, initialOf } from '../messages/settings';
import { connectClasses } from '../shell/class_buttons';
import { anyElement, button, byId, onClick, setDisabled, setHidden, setMessage, setText } from '../shell/dom';
import { connectFields } from '../shell/fields';
import { listed } from '../shell/format';
import { makesDigits } from '../shell/state';
import { AUTOMATIC, callsText, choiceOf, makingOf, stepsText } from './calls';
import type { Orders } from './orders';

export function connectOrder(orders: Orders) {
  const { app } = orders;
  const form = byId('sample-settings', HTMLFormElement);
  const fields = connectFields(app, form, anyElement('sample-problem'));
  const guidance = byId('guidance', HTMLInputElement);
  const text = connectText(orders);
  const renderCalls = connectCalls(orders);
  const renderUnusual = connectUnusual(orders);
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
      renderUnusual();
      for (const id of ['digits', 'text-form', 'guidance-field']) setHidden(id, !hasClasses);
      // A class, or a text, has its own number of images, and the calls have their steps.
      for (const id of ['steps-field', 'count-field']) setHidden(id, hasClasses);
      setHidden('enlarge-field', enlargeOf(network, settings.enlarge) === undefined);
      byId('count', HTMLInputElement).placeholder = String(orders.usualCount);
      setDisabled('noise-next', !(orders.canReplace && this.valid));
      const isDigit = makesDigits(network);
      setText('digits-legend', isDigit ? 'Digit' : 'Class');
      setText('guidance-what', isDigit ? 'digit' : 'class');
      setText('guidance-value', guidance.value);
      renderDigits({
        names: namesOf(network),
        chosen: settings.digit,
        isPressed: !settings.text,
        isOpen: orders.canReplace,
      });
      renderCalls();
    },
  };
}

/** Connects the choice of the number of network calls per image. */
function connectCalls(orders: Orders): () => void {
  const { app } = orders;
  for (const calls of callsChoices) {
    onClick(`calls-${calls}`, () => {
      const { guidance } = calls === '2' ? initialOf(app.settings.recipe) : app.settings;
      // Other sampling settings would contradict the choice.
      app.address.take({ ...app.settings, ...AUTOMATIC, calls, guidance });
      orders.again();
    });
  }
  return () => {
    const { network, source } = app;
    const { making } = orders;
    for (const choice of callsChoices)
      button(`calls-${choice}`).ariaPressed = String(choiceOf(making) === choice);
    setDisabled('calls-2', source !== 'pretrained');
    const isDistilled = network.sampling.calls !== undefined;
    setHidden('calls', network.classes === 0 || isDistilled);
    // Its sampling is what it has learned.
    for (const id of ['steps', 'guidance']) byId(id, HTMLInputElement).disabled = isDistilled;
    const calls = callsText(making, network);
    setText('calls-note', `${stepsText(making, network)} · ${calls}`);
    byId('steps', HTMLInputElement).placeholder = String(making.steps);
    setText('steps-calls', calls);
  };
}

/** An order that is not the usual one, whatever has made it so: a line beside Make says it, with a button that undoes it. */
function connectUnusual(orders: Orders): () => void {
  const { app } = orders;
  onClick('usual', () => {
    const { settings, network } = app;
    const { calls, steps, method, guidance, count } = initialOf(settings.recipe);
    // The number of images of a class has no field.
    const ofClasses = network.classes > 0 ? { count } : {};
    app.address.take({ ...settings, calls, steps, method, guidance, ...ofClasses });
    orders.again();
  });
  return () => {
    const { settings, source, network } = app;
    const { making } = orders;
    const { steps, method, guidance } = making;
    const usual = makingOf(initialOf(settings.recipe), source, network);
    const isInstant = making.source === 'instant';
    const hasClasses = network.classes > 0;
    const words = [
      isInstant && callsText(making, network),
      !isInstant && (steps !== usual.steps || method !== usual.method) && stepsText(making, network),
      !isInstant && hasClasses && guidance !== usual.guidance && `guidance ${guidance}`,
      hasClasses && !settings.text && settings.count > 0 && plural(settings.count, 'image'),
    ].filter((each) => each !== false);
    setHidden('unusual', words.length === 0);
    setText('unusual-text', `Not the usual order: ${listed(words)}.`);
  };
}

/** A word, a number or a list of classes, an image for each: they follow while it is written, and Enter makes them. */
function connectText(orders: Orders) {
  const { app } = orders;
  const form = byId('text-form', HTMLFormElement);
  const input = byId('text', HTMLInputElement);
  const message = anyElement('text-problem');
  /** What the message is about: nothing while something is typed, which may become right. */
  let about: 'text' | 'nothing' | 'empty' = 'text';
  const problem = () =>
    app.network.classes > 0 ? labelsIn(app.settings.text, app.network).problem : undefined;
  const fields = connectFields(app, form, message, () => {
    if (problem() === undefined) orders.follow();
  });
  const complain = () => {
    if (!fields.valid) return;
    const empty = `The field is empty. Write what to make, such as ${exampleOf(app.network)}, or press one of the buttons.`;
    const words = { empty, text: problem(), nothing: undefined }[about];
    input.ariaInvalid = String(words !== undefined);
    setMessage(message, words);
  };
  const refuse = (what: typeof about) => {
    about = what;
    complain();
    input.focus();
    return false;
  };
  const check = () =>
    app.network.classes === 0 || (fields.valid && problem() === undefined) || refuse('text');
  form.addEventListener('submit', () => {
    if (input.value.trim() === '') refuse('empty');
    else if (check()) orders.order();
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
      input.value = '';
      input.dispatchEvent(new Event('change'));
    },
  };
}
