/** The page's settings, and the address that has them. */
import { chosenBeginning } from '../messages/fine_tune';
import type { DataDescription, Patch } from '../messages/messages';
import {
  initialFor,
  initialSettings,
  type Key,
  parseQuery,
  type Settings,
  toQuery,
  withoutPlan,
  withRecipe,
  withSetting,
} from '../messages/settings';

/** Live samples on a software adapter. */
const FEW = 10;

/** The place of a view in the address; an empty query is the welcome. */
export const toAddress = (settings: Settings) => toQuery(settings) || '?task=train';

export class Address {
  settings: Settings;
  /** The page shows its welcome instead of a view. */
  home = location.search === '';
  /** Parts of the address that could not be used. */
  readonly problems: readonly string[];
  private readonly moved: (before: Settings) => void;
  /** The recipe before coloured pictures brought theirs; undefined once the user has chosen one. */
  private recipeBefore: Settings['recipe'] | undefined;
  /** What the plan of the run has set, and what was there before. */
  private planned: { readonly before: Settings; readonly set: Partial<Settings> } | undefined;

  /** `moved` is called after each change, with the settings before it. */
  constructor(moved: (before: Settings) => void) {
    this.moved = moved;
    const { settings, notices } = parseQuery(location.search);
    this.settings = settings;
    this.problems = notices;
    addEventListener('popstate', () => {
      this.home = location.search === '';
      // Only a change of views made this place; its numbers may be those before a run that goes on meanwhile.
      const { task } = this.home ? this.settings : parseQuery(location.search).settings;
      this.take({ task });
    });
  }

  /** The settings without what a plan has set: these are in the address, since another adapter has another plan. */
  get chosen(): Settings {
    return this.planned ? withoutPlan(this.settings, this.planned) : this.settings;
  }

  /** Shows the welcome again; nothing is lost. */
  goHome(): void {
    if (this.home) return;
    this.home = true;
    this.take({}, true);
  }

  /** Takes a setting from text. Returns the problem with the text, if any. */
  set(key: Key, text: string, name?: string): string | undefined {
    const { settings, problem } = withSetting(this.settings, key, text, name);
    if (!settings) return problem;
    // Another view is a place to come back to; another number is not.
    const place = key === 'task' && (this.home || settings.task !== this.settings.task);
    if (key === 'task') this.home = false;
    if (key === 'recipe') this.recipeBefore = undefined;
    if (this.planned) this.planned = { ...this.planned, set: { ...this.planned.set, [key]: undefined } };
    this.take(settings, place);
    return undefined;
  }

  /** Takes changes of settings. `place`: the browser's Back returns to those before. */
  take(changes: Partial<Settings>, place = false): void {
    const before = this.settings;
    this.settings = { ...before, ...changes };
    const address = this.home ? location.pathname : toAddress(this.chosen);
    if (place) history.pushState(null, '', address);
    // A needless one may cancel the next step Back, which the browser has begun already.
    else if (new URL(address, location.href).href !== location.href) history.replaceState(null, '', address);
    this.moved(before);
  }

  /** Coloured pictures of the user's bring the recipe whose pretrained network suits them, unless another is chosen, or new weights. */
  suit(data: DataDescription): void {
    const { settings, recipeBefore } = this;
    const pictures = withRecipe({ ...settings, begin: 'auto' }, 'pictures');
    const isSuited = settings.begin !== 'new' && chosenBeginning(pictures, data) === 'pretrained';
    if (isSuited && settings.recipe === initialSettings.recipe) {
      this.take(withRecipe(settings, 'pictures'));
      this.recipeBefore = settings.recipe;
    } else if (!isSuited && recipeBefore) {
      this.recipeBefore = undefined;
      this.take(withRecipe(settings, recipeBefore));
    }
  }

  /** Takes what a plan sets; a software adapter also makes fewer live samples, so that new ones come every few seconds. */
  takePlan({ plan: { batch, epochs }, lr }: NonNullable<Patch['planned']>, software: boolean): void {
    const { chosen } = this;
    const usual = initialFor(chosen.recipe);
    // Of a run that was begun elsewhere, too.
    const before = { ...chosen, batch: usual.batch, epochs: usual.epochs };
    const samples = software && chosen.samples === usual.samples ? { samples: FEW } : {};
    const rate = lr ?? this.planned?.set.lr;
    const set = { batch, epochs, ...samples, ...(rate === undefined ? {} : { lr: rate }) };
    this.planned = { before, set };
    this.take({ ...chosen, ...set });
  }

  /** Gives the settings back that the plan of a run has changed. */
  leavePlan(): void {
    if (!this.planned) return;
    const { chosen } = this;
    this.planned = undefined;
    this.take(chosen);
  }
}
