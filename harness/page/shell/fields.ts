/** Buttons that choose a network, and forms whose inputs are named after settings. A value counts when it is committed: on Enter, on losing focus or on a choice; or while it is typed. */

import { initialFor, isOfRun, type Key, keys, type NetworkSource, settingText } from '../messages/settings';
import type { History } from '../runs/history';
import type { App } from './app';
import { button, onClick, setDisabled, setHidden, setMessage, setText } from './dom';
import { isFixed } from './state';

type Input = HTMLInputElement | HTMLSelectElement;

interface Fields {
  /** Whether all inputs hold legal values. */
  readonly valid: boolean;
  render(): void;
}

const SOURCES = ['pretrained', 'run', 'file'] as const satisfies readonly NetworkSource[];

/** Buttons that choose a network: `use-run`, for instance. `chosen` is called after each choice. Returns what draws them anew. */
export function connectSources(
  app: App,
  prefix: string,
  chosen = (): void => {},
): (source: NetworkSource) => void {
  for (const source of SOURCES) {
    onClick(`${prefix}-${source}`, () => {
      app.choose(source);
      chosen();
    });
  }
  return (source) => {
    const { model } = app.state;
    for (const each of SOURCES) button(`${prefix}-${each}`).ariaPressed = String(each === source);
    setHidden(`${prefix}-file`, model === undefined);
    setText(`${prefix}-file`, model?.name ?? '');
  };
}

/**
 * A form without a message has only choices, which are always legal. With `typed`, a legal value counts while it is typed. `filled`: what
 * stands in a field in place of its default, which others fill in; emptied, a field of such a form has its default again.
 */
export function connectFields(
  app: App,
  form: HTMLFormElement,
  message?: HTMLElement,
  typed?: () => void,
  filled?: (key: Key) => string | undefined,
): Fields {
  const inputs = [...form.querySelectorAll<Input>('input, select')].map((input) => {
    const key = keys.find((k) => k === input.name);
    if (!key) throw new Error(`${input.name} is not a setting`);
    return { input, key };
  });
  const problems = new Map<Key, string>();
  const shown = new Map<Key, string>();

  const tell = (input: Input, key: Key, problem: string | undefined) => {
    if (!message) return;
    if (problem) problems.set(key, problem);
    else problems.delete(key);
    input.ariaInvalid = String(problem !== undefined);
    setMessage(message, [...problems.values()].join(' '));
  };

  // What its role implies must be written out where fields name it as their error message.
  if (message) message.ariaLive = 'polite';
  form.addEventListener('submit', (event) => event.preventDefault());
  for (const { input, key } of inputs) {
    input.spellcheck = false;
    if (message) input.setAttribute('aria-errormessage', message.id);
    const isTick = input instanceof HTMLInputElement && input.type === 'checkbox';
    input.addEventListener('change', () => {
      const given = isTick ? String(Number(input.checked)) : input.value;
      const text = filled && given.trim() === '' ? settingText(key, initialFor(app.settings.recipe)) : given;
      const problem = app.set(key, text, input.labels?.[0]?.textContent);
      tell(input, key, problem);
      // A committed value is shown in the setting's own form.
      if (!problem) shown.delete(key);
      app.changed();
    });
    input.addEventListener('input', () => {
      // An illegal value may become legal: there is no message before it is committed. The typed text stays as it is.
      if (!typed || isTick || app.set(key, input.value)) return;
      shown.set(key, settingText(key, app.settings));
      tell(input, key, undefined);
      typed();
    });
  }

  return {
    get valid() {
      return problems.size === 0;
    },
    render() {
      for (const { input, key } of inputs) {
        const fill = filled?.(key);
        const isDefault =
          settingText(key, app.settings) === settingText(key, initialFor(app.settings.recipe));
        const text = fill !== undefined && isDefault ? '' : settingText(key, app.settings);
        if (filled && input instanceof HTMLInputElement) input.placeholder = fill ?? '';
        const locked = isOfRun(key) && isFixed(app.state);
        input.disabled = locked;
        input.title = locked ? 'Fixed for this run. Reset to change it.' : '';
        if (input instanceof HTMLInputElement && ['radio', 'checkbox'].includes(input.type)) {
          input.checked = text === (input.type === 'radio' ? input.value : '1');
          continue;
        }
        // Only if the setting itself has changed, so that text being typed stays. Locked inputs cannot be edited.
        if (shown.get(key) !== text || (locked && input.value !== text)) {
          shown.set(key, text);
          input.value = text;
          tell(input, key, undefined);
        }
      }
    },
  };
}

/** A slider over pictures, and a button that plays them. Returns what draws both anew; `label`: the shown picture, in words. */
export function connectScrub<Item extends { readonly step: number }>(
  pictures: History<Item>,
  slider: HTMLInputElement,
  play: string,
  milliseconds: number,
): (label: string) => void {
  slider.addEventListener('input', () => pictures.choose(Number(slider.value)));
  onClick(play, () => pictures.play(milliseconds));
  return (label) => {
    const { length, index, playing } = pictures;
    slider.max = String(Math.max(0, length - 1));
    slider.value = String(index);
    slider.disabled = length < 2;
    slider.ariaValueText = label;
    setText(play, playing ? 'Stop' : 'Play');
    setDisabled(play, length < 2);
  };
}
