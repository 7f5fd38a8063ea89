/** The page's settings: their legal values, and the conversion between them and the page's address, in both directions. Pure. */

import { EngineError } from '../../../src/base/errors';
import { type RecipeName, recipeGuidance, findRecipe as recipeOfModel, recipes } from '../../../src/recipes';
import type { Objective } from '../../../src/training/step_config';
import type { UNetConfig } from '../../../src/unet/config';
import type { Checkpoint } from '../../../src/weights/checkpoint';
import { usualHoldOut } from '../../pictures/hold_out';
import { fits, inks, SIDES, USUAL_SIDE } from '../../pictures/small_pictures';
import { ENLARGE } from '../../run/enlarging';

export const tasks = ['train', 'sample', 'draw', 'inside', 'explain', 'check', 'bench', 'gpu'] as const;
export type Task = (typeof tasks)[number];

const tunes = ['auto', 'on', 'off'] as const;
export type Tune = (typeof tunes)[number];

export const MOST_EPOCHS = 10_000;

/** The page's recipes, the default first. */
export const pageRecipes = ['digits', 'pictures', 'tutorial'] as const satisfies readonly RecipeName[];
export type PageRecipe = (typeof pageRecipes)[number];

/** The network that makes the samples; `auto` is the run's as soon as it has been trained. */
const modelChoices = ['auto', 'pretrained', 'run'] as const;
export type ModelChoice = (typeof modelChoices)[number];

/** Methods by which a sampler follows the velocity of a flow. */
const flowMethods = ['euler', 'heun', 'adams'] as const;
export type FlowMethod = (typeof flowMethods)[number];
/** `auto`: as `calls` says. Only an address sets another. */
const methodChoices = ['auto', ...flowMethods] as const;

/** Network calls of a sample on the Make view: 2 of the distilled network, or more of the network that it was distilled from (making.ts). */
export const callsChoices = ['2', '8', '40'] as const;
export type CallsChoice = (typeof callsChoices)[number];

/** What makes a column where the Make view compares two. The first six are of the network that is chosen. */
export const columnChoices = [
  ...(['calls-2', 'calls-8', 'calls-40', 'guidance-1', 'guidance-2', 'guidance-4'] as const),
  ...(['pretrained', 'run'] as const),
] as const;
export type ColumnChoice = (typeof columnChoices)[number];

/** Initial weights of a run: new ones, or the pretrained network's. */
export const beginnings = ['new', 'pretrained'] as const;
export type Beginning = (typeof beginnings)[number];
/** `auto`: the pretrained network for coloured pictures of the user's, else new weights (fine_tune.ts). */
const beginChoices = ['auto', ...beginnings] as const;

export const asks = ['denoise', 'fill', 'classify'] as const;
export type Ask = (typeof asks)[number];

/** What becomes of pictures. */
export const PICTURE_KEYS = ['size', 'fit', 'ink', 'flip'] as const satisfies readonly (keyof Settings)[];

/** Settings with which a run is made, and which it keeps. */
const RUN_KEYS = [
  ...(['recipe', 'begin', 'batch', 'seed', 'widths', 'limit', 'holdout'] as const),
  ...PICTURE_KEYS,
] satisfies readonly (keyof Settings)[];

/** Whether a run keeps a setting from its beginning to its end. */
export const isOfRun = (key: Key): boolean => (RUN_KEYS as readonly Key[]).includes(key);

/** The settings that a checkpoint contains. */
export type CheckpointSettings = Pick<
  Settings,
  'recipe' | 'batch' | 'lr' | 'epochs' | 'seed' | 'widths' | 'limit' | 'holdout' | 'enlarge'
>;

/** The network that makes samples: the pretrained one, the run's, or a file's. */
export type NetworkSource = 'pretrained' | 'run' | 'file';

export interface ImageSize {
  readonly height: number;
  readonly width: number;
  /** 1 for grey, 3 for colours. */
  readonly channels: number;
}

interface Setting<T> {
  readonly initial: T;
  /** The legal values, to follow "must be" in a message. */
  readonly legal: string;
  /** Undefined where `text` is not legal. */
  readonly parse: (text: string) => T | undefined;
  readonly show: (value: T) => string;
}

const setting = <T>(of: Setting<T>) => of;

const grouped = (n: number) => n.toLocaleString('en-US', { maximumFractionDigits: 20 });

/** Numbers from `min` to `max` that are written in this form. */
const numbers =
  (what: string, form: RegExp) =>
  (initial: number, min: number, max: number): Setting<number> => ({
    initial,
    legal: `${what} from ${grouped(min)} to ${grouped(max)}`,
    parse: (text) => {
      const value = form.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    },
    show: String,
  });
const whole = numbers('a whole number', /^\d{1,15}$/);
const decimal = numbers('a number', /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i);

/** A decimal on a slider. */
function quarters(initial: number, min: number, max: number): Setting<number> {
  const any = decimal(initial, min, max);
  return {
    ...any,
    legal: `${any.legal} in quarters`,
    parse: (text) => {
      const value = any.parse(text);
      return value !== undefined && Number.isInteger(4 * value) ? value : undefined;
    },
  };
}

/** One that may be left open: an empty field stands for `empty`. */
function orEmpty<T, const Empty>(one: Setting<T>, empty: Empty, meaning: string): Setting<T | Empty> {
  return {
    initial: empty,
    legal: `${one.legal}, or empty for ${meaning}`,
    parse: (text) => (text === '' || (text as unknown) === empty ? empty : one.parse(text)),
    show: (value) => (String(value) === String(empty) ? '' : one.show(value as T)),
  };
}

/** Numbers with commas between them. */
const several = (one: Setting<number>, initial: readonly number[] = []): Setting<readonly number[]> => ({
  initial,
  legal: `1 to 8 ${one.legal.replace('a whole number', 'whole numbers')} with commas between them`,
  parse: (text) => {
    const list = text.split(',').map((part) => one.parse(part.trim()));
    return list.length <= 8 && list.every((n) => n !== undefined) ? list : undefined;
  },
  show: (value) => value.join(','),
});

function choice<T extends string>(...options: readonly [T, ...T[]]): Setting<T> {
  return {
    initial: options[0],
    legal: `one of ${options.join(', ')}`,
    parse: (text) => options.find((option) => option === text),
    show: (value) => value,
  };
}

const column = orEmpty(choice(...columnChoices), '', 'no comparison');
const batch = whole(256, 1, 8192);
const label = whole(0, 0, 254);
const MOST_TEXT = 500;

type DigitChoice = number | 'all';
const classOrAll: Setting<DigitChoice> = {
  initial: 'all',
  legal: `all, or ${label.legal}`,
  parse: (text) => (text === 'all' ? text : label.parse(text)),
  show: String,
};

const yesOrNo: Setting<boolean> = {
  initial: false,
  legal: '0 or 1',
  parse: (text) => (text === '1' ? true : text === '0' ? false : undefined),
  show: (value) => (value ? '1' : '0'),
};

/** In the order in which the address lists them. */
export const settings = {
  task: choice(...tasks),
  /** The network and its training. Other settings default to the recipe's, until they are set. */
  recipe: choice(...pageRecipes),
  begin: choice(...beginChoices),
  batch,
  lr: decimal(0.001, 0.000001, 1),
  epochs: whole(5, 1, MOST_EPOCHS),
  /** Determines weights, shuffling, noise and the live samples. */
  seed: whole(123, 0, 4294967295),
  /** Channels of each of the network's levels. */
  widths: several(whole(1, 1, 1024), [32, 64, 64]),
  /** Train only on the first `limit` images; 0 means all. */
  limit: whole(0, 0, 10_000_000),
  /** Number of held-out images: the last ones, which measure the run; `auto`: the default number. */
  holdout: orEmpty(whole(0, 0, 10_000_000), 'auto', 'a tenth, at most 1,000'),
  /** What becomes of the user's pictures; `size` 0 means a size that suits them. */
  size: setting<number>({
    initial: 0,
    legal: `auto, or a multiple of ${SIDES.multipleOf} from ${SIDES.least} to ${USUAL_SIDE}`,
    parse: (text) => {
      const value = text === 'auto' ? 0 : whole(0, SIDES.least, USUAL_SIDE).parse(text);
      return value !== undefined && value % SIDES.multipleOf === 0 ? value : undefined;
    },
    show: (value) => (value === 0 ? 'auto' : String(value)),
  }),
  fit: choice(...fits),
  ink: choice(...inks),
  /** Whether a run trains on the mirror image of each picture, too. */
  flip: yesOrNo,
  /** How finished images of small pictures in colour are shown; `auto`: smooth, unless the pictures kept their size. */
  enlarge: choice('auto', ...ENLARGE),
  /** Training time limit in minutes; 0 means training stops at the end of the epochs. */
  minutes: orEmpty(decimal(0, 0.01, 10_000), 0, 'no limit'),
  /** Images in the grid that is refreshed while training; 0 switches it off. */
  samples: whole(64, 0, 256),
  /** Minimum interval between two such grids, in seconds. */
  refresh: whole(2, 1, 3600),
  calls: setting<CallsChoice>({ ...choice(...callsChoices), initial: '8' }),
  /** The columns of a comparison; without one, both are empty. */
  left: column,
  right: column,
  /** Sampling steps of a run on the Make view; 0 means as `calls` says. */
  steps: orEmpty(whole(0, 1, 1000), 0, 'as many as suit the calls'),
  /** Images of a run on the Make view; 0 means a number that suits the adapter. */
  count: orEmpty(whole(0, 1, 256), 0, 'as many as suit the adapter'),
  /** Seed of the noise that the run starts from. */
  noise: whole(123, 0, 4294967295),
  /** The place between that noise and the noise of the next three seeds, in percent from the left and from the top: see noise_field.ts. */
  across: decimal(0, 0, 100),
  down: decimal(0, 0, 100),
  model: choice(...modelChoices),
  digit: classOrAll,
  /** Names of classes to make, one image each, in place of `digit` and `count`. */
  text: setting<string>({
    initial: '',
    legal: `up to ${MOST_TEXT} characters, such as 2026, or empty`,
    // What it orders depends on the network. A user may also write digits as a command: "make 20 26".
    parse: (text) => {
      const digits = /^(?:make\s)?([\d\s]*)$/i.exec(text)?.[1].replace(/\s/g, '');
      const order = digits ?? text;
      return order.length <= MOST_TEXT ? order : undefined;
    },
    show: (value) => value,
  }),
  /** Guidance scale: the strength with which samples follow the class. */
  guidance: quarters(recipes.digits.sampling.guidance!, 1, 4),
  method: choice(...methodChoices),
  ask: choice(...asks),
  drawnClass: classOrAll,
  /** The share of noise that a drawing gets, in percent. */
  level: whole(60, 0, 100),
  /** The scene that the Explain view shows, by its number. */
  scene: whole(0, 0, 4),
  /** Images that Bench measures with; of several batches or sizes the whole network. Empty: as many as in training. */
  benchBatch: orEmpty(several(batch), [], 'the batch of training'),
  /** Pixels on a side of its images. Empty: the recipe's own. */
  benchSize: orEmpty(several(whole(28, 1, 1024)), [], 'the recipe’s own'),
  /** Check and time only kernels that match: `conv2d`, `conv2d.winograd`, `grad*down.1`. */
  kernel: setting<string>({
    initial: '',
    legal: 'at most 60 letters, digits, spaces and . _ * and commas',
    parse: (text) => (/^[\w.*, ]{0,60}$/.test(text) ? text : undefined),
    show: (value) => value,
  }),
  /** Time limit of a benchmark in seconds, about. */
  budget: whole(60, 5, 3600),
  /** Whether to measure which kernels are fastest: `auto` on GPUs only. */
  tune: choice(...tunes),
  /** Start the tab's task as soon as the page is ready. */
  autorun: yesOrNo,
};
export type Key = keyof typeof settings;
export type Settings = {
  readonly [K in Key]: (typeof settings)[K] extends Setting<infer Value> ? Value : never;
};

export const keys = Object.keys(settings) as Key[];

/** The defaults that depend on the recipe. Its live samples fill columns: one for each digit, or eight. */
const ofRecipe = (recipe: PageRecipe): Partial<Settings> => {
  const { trainer, network, fit } = recipes[recipe];
  return {
    recipe,
    batch: trainer.batchSize,
    lr: trainer.learningRate,
    epochs: fit.epochs,
    widths: network.widths,
    samples: 'conditioning' in network ? 60 : 64,
    guidance: recipeGuidance(recipe) ?? settings.guidance.initial,
  };
};

const initial = Object.fromEntries(keys.map((key) => [key, settings[key].initial])) as unknown as Settings;

export const initialFor = (recipe: PageRecipe): Settings => ({ ...initial, ...ofRecipe(recipe) });

export const initialSettings = initialFor(pageRecipes[0]);

/** These settings for another recipe: values at the old recipe's default move to the new one's, others stay. */
export function withRecipe(current: Settings, recipe: PageRecipe): Settings {
  const set = keys.filter((key) => key !== 'recipe' && differs(key, current));
  return { ...initialFor(recipe), ...Object.fromEntries(set.map((key) => [key, current[key]])) };
}

/** Settings as they were before a plan set some of them; what the user has changed since then stays. */
export const withoutPlan = (
  current: Settings,
  { before, set }: { readonly before: Settings; readonly set: Partial<Settings> },
): Settings => {
  const isPlans = (key: Key) => set[key] !== undefined && current[key] === set[key];
  return { ...current, ...Object.fromEntries(keys.filter(isPlans).map((key) => [key, before[key]])) };
};

const differs = (key: Key, current: Settings) =>
  settingText(key, current) !== settingText(key, initialFor(current.recipe));

/** The recipe of a network, or the first one with its objective. */
export const nearestRecipe = (model: {
  readonly objective: Objective;
  readonly config: UNetConfig;
}): PageRecipe =>
  recipeOfModel(model) ?? pageRecipes.find((name) => recipes[name].trainer.objective === model.objective)!;

/** Shortens values from an address or a form, which may have any length, for a message. */
const clip = (text: string) => (text.length <= 40 ? text : `${text.slice(0, 40)}…`);

/** Parses one setting: returns the settings with it, or why not. `name` is the setting's name for the user. */
export function withSetting(
  current: Settings,
  key: Key,
  text: string,
  name: string = key,
): { settings: Settings; problem?: undefined } | { settings?: undefined; problem: string } {
  const value = settings[key].parse(text.trim());
  if (value !== undefined && key === 'recipe') {
    return { settings: withRecipe(current, value as PageRecipe) };
  }
  if (value !== undefined) return { settings: { ...current, [key]: value } };
  return { problem: `${name} is ${clip(text.trim()) || 'empty'}; it must be ${settings[key].legal}.` };
}

/** Number of held-out images among `count`. */
export function countHeldOut(
  { recipe, holdout }: Pick<Settings, 'recipe' | 'holdout'>,
  count: number,
): number {
  const network: UNetConfig = recipes[recipe].network;
  return holdout === 'auto' ? usualHoldOut(network.conditioning !== undefined, count) : holdout;
}

/** The settings of a checkpoint's run. Throws an EngineError `data` for a run that the page cannot show. */
export function settingsFromRun(
  {
    settings: given,
    config,
    objective,
    data,
  }: Pick<Checkpoint, 'settings' | 'config' | 'objective'> & { readonly data: { readonly count: number } },
  name: string,
): CheckpointSettings {
  const { batchSize: batch, learningRate: lr, epochs, seed } = given;
  const recipe = nearestRecipe({ objective, config });
  const { holdout = 0, limit = 0, enlarge = 'auto' as const } = given;
  const usual = countHeldOut({ recipe, holdout: 'auto' }, data.count + holdout);
  const found = {
    recipe,
    batch,
    lr,
    epochs,
    seed,
    widths: config.widths,
    limit,
    enlarge,
    holdout: holdout === usual ? ('auto' as const) : holdout,
  };
  const current = { ...initialFor(recipe), ...found };
  for (const key of Object.keys(found) as (keyof typeof found)[]) {
    const { problem } = withSetting(current, key, settingText(key, current));
    if (problem) {
      throw new EngineError(
        'data',
        `${name} cannot go on here: ${problem} The command line takes it: npm run train -- --resume FILE.`,
      );
    }
  }
  return found;
}

/** Parses an address's query. Unknown and unusable parameters are ignored, with a notice each. */
export function parseQuery(query: string): { settings: Settings; notices: string[] } {
  let current = initialSettings;
  const notices: string[] = [];
  const seen = new Set<string>();
  // The defaults of the other settings depend on the recipe, so it is read first, wherever it is in the query.
  const isOther = ([name]: [string, string]) => Number(name !== 'recipe');
  const given = [...new URLSearchParams(query)].sort((a, b) => isOther(a) - isOther(b));
  for (const [name, text] of given) {
    const key = keys.find((k) => k === name);
    if (!key) {
      notices.push(`There is no setting ${clip(name) || 'without a name'}; it was ignored.`);
    } else if (seen.has(name)) {
      notices.push(`${key} is given twice; the second one was ignored.`);
    } else {
      const result = withSetting(current, key, text);
      if (result.settings) current = result.settings;
      else notices.push(`${result.problem} The page uses ${settingText(key, current) || 'none'}.`);
    }
    seen.add(name);
  }
  return { settings: current, notices };
}

/** A setting as text that `parse` can read. */
export function settingText(key: Key, from: Settings): string {
  return (settings[key].show as (value: unknown) => string)(from[key]);
}

/** What becomes of pictures, as in an address. */
export const textOfPictures = (current: Settings): string =>
  String(new URLSearchParams(PICTURE_KEYS.map((key) => [key, settingText(key, current)])));

/** The settings with which a kept run's pictures become its images again, as far as they were noted. */
export function withPictures(current: Settings, noted: string | undefined): Settings {
  const given = new URLSearchParams(noted);
  return PICTURE_KEYS.reduce(
    (all, key) => withSetting(all, key, given.get(key) ?? settingText(key, all)).settings ?? all,
    current,
  );
}

/** The query for these settings: '' or '?…', with only what differs from the recipe's defaults. */
export function toQuery(current: Settings): string {
  const parts = keys
    .filter((key) => (key === 'recipe' ? current.recipe !== initial.recipe : differs(key, current)))
    // A comma is legal in a query and easier to read than %2C.
    .map((key) => `${key}=${encodeURIComponent(settingText(key, current)).replaceAll('%2C', ',')}`);
  return parts.length > 0 ? `?${parts.join('&')}` : '';
}
