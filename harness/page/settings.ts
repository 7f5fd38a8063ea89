/** The page's settings: what each may be, and the two-way street between them and the page's address. Pure. */

import { EngineError } from '../../src/errors';
import type { Checkpoint } from '../../src/weights/checkpoint';
import { type SweepChoice, sweepChoices } from '../bench/result';
import type { CheckpointSettings } from './protocol';

export const tasks = ['train', 'sample', 'check', 'bench'] as const;
export type Task = (typeof tasks)[number];

export const tunes = ['auto', 'on', 'off'] as const;
export type Tune = (typeof tunes)[number];

export interface Settings {
  readonly task: Task;
  /** Images a training step. */
  readonly batch: number;
  /** Learning rate. */
  readonly lr: number;
  readonly epochs: number;
  /** Fixes weights, shuffling, noise and the live samples. */
  readonly seed: number;
  /** Channels of the network's levels. */
  readonly widths: readonly number[];
  /** Train on the first so many images only; 0 means all. */
  readonly limit: number;
  /** Images in the grid that is refreshed while training; 0 switches it off. */
  readonly samples: number;
  /** Seconds between two such grids, at least. */
  readonly refresh: number;
  /** Steps of a run on the Sample tab. */
  readonly steps: number;
  /** Images of a run on the Sample tab. */
  readonly count: number;
  /** Seed of the noise that it starts from. */
  readonly noise: number;
  /** Images of a step that is timed on the Bench tab; 0 stands for as many as in training. */
  readonly benchBatch: number;
  /** Only what contains this is checked and timed: `conv2d`, `conv2d.winograd`, `grad*down.1`. */
  readonly kernel: string;
  /** The whole network from small to large, instead of the kernels or beside them. */
  readonly sweep: SweepChoice;
  /** Seconds that a benchmark may take, about. */
  readonly budget: number;
  /** Whether to measure which kernels are fastest: `auto` on GPUs only. */
  readonly tune: Tune;
  /** Start the tab's task as soon as the page is ready. */
  readonly autorun: boolean;
}

export type Key = keyof Settings;

interface Setting<T> {
  readonly initial: T;
  /** What it must be, to go on after "must be". */
  readonly legal: string;
  /** Undefined where `text` is not legal. */
  readonly parse: (text: string) => T | undefined;
  readonly show: (value: T) => string;
}

const grouped = (n: number) => n.toLocaleString('en-US', { maximumFractionDigits: 20 });

function whole(initial: number, min: number, max: number): Setting<number> {
  return {
    initial,
    legal: `a whole number from ${grouped(min)} to ${grouped(max)}`,
    parse: (text) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    },
    show: String,
  };
}

function decimal(initial: number, min: number, max: number): Setting<number> {
  return {
    initial,
    legal: `a number from ${grouped(min)} to ${grouped(max)}`,
    parse: (text) => {
      const value = /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    },
    show: String,
  };
}

function choice<T extends string>(...options: readonly [T, ...T[]]): Setting<T> {
  return {
    initial: options[0],
    legal: `one of ${options.join(', ')}`,
    parse: (text) => options.find((option) => option === text),
    show: (value) => value,
  };
}

const width = whole(1, 1, 1024);
const batch = whole(256, 1, 8192);

/** In the order in which an address lists them. */
export const settings: { readonly [K in Key]: Setting<Settings[K]> } = {
  task: choice(...tasks),
  batch,
  lr: decimal(0.001, 0.000001, 1),
  epochs: whole(5, 1, 10000),
  seed: whole(123, 0, 4294967295),
  widths: {
    initial: [32, 64, 64],
    legal: '1 to 8 whole numbers from 1 to 1,024 with commas between them',
    parse: (text) => {
      const list = text.split(',').map((part) => width.parse(part.trim()));
      return list.length <= 8 && list.every((w) => w !== undefined) ? list : undefined;
    },
    show: (value) => value.join(','),
  },
  limit: whole(0, 0, 10_000_000),
  samples: whole(64, 0, 256),
  refresh: whole(2, 1, 3600),
  steps: whole(50, 1, 1000),
  count: whole(64, 1, 256),
  noise: whole(123, 0, 4294967295),
  benchBatch: {
    initial: 0,
    legal: `${batch.legal}, or empty for that of the training`,
    parse: (text) => (text === '' ? 0 : batch.parse(text)),
    show: (value) => (value === 0 ? '' : String(value)),
  },
  kernel: {
    initial: '',
    legal: 'at most 60 letters, digits, spaces and . _ * and commas',
    parse: (text) => (/^[\w.*, ]{0,60}$/.test(text) ? text : undefined),
    show: (value) => value,
  },
  sweep: choice(...sweepChoices),
  budget: whole(60, 5, 3600),
  tune: choice(...tunes),
  autorun: {
    initial: false,
    legal: '0 or 1',
    parse: (text) => (text === '1' ? true : text === '0' ? false : undefined),
    show: (value) => (value ? '1' : '0'),
  },
};

export const keys = Object.keys(settings) as Key[];

export const initialSettings = Object.fromEntries(
  keys.map((key) => [key, settings[key].initial]),
) as unknown as Settings;

/** Values from an address or a form may be of any length; a message may not. */
const clip = (text: string) => (text.length <= 40 ? text : `${text.slice(0, 40)}…`);

/** Takes one setting from text: the settings with it, or why not. `name` is what people know it by. */
export function withSetting(
  current: Settings,
  key: Key,
  text: string,
  name: string = key,
): { settings: Settings; problem?: undefined } | { settings?: undefined; problem: string } {
  const value = settings[key].parse(text.trim());
  if (value !== undefined) return { settings: { ...current, [key]: value } };
  return { problem: `${name} is ${clip(text.trim()) || 'empty'}; it must be ${settings[key].legal}.` };
}

/** The settings of a checkpoint's run. Throws an EngineError `data` for what the page cannot show. */
export function settingsOf(
  { settings: given, config }: Pick<Checkpoint, 'settings' | 'config'>,
  name: string,
): CheckpointSettings {
  const { batchSize: batch, learningRate: lr, epochs, seed, limit = 0 } = given;
  const found = { batch, lr, epochs, seed, widths: config.widths, limit };
  const current = { ...initialSettings, ...found };
  for (const key of Object.keys(found) as (keyof typeof found)[]) {
    const { problem } = withSetting(current, key, show(key, current));
    if (problem) {
      throw new EngineError(
        'data',
        `${name} cannot go on here: ${problem} The command line takes it: npm run train -- --resume FILE.`,
      );
    }
  }
  return found;
}

/** Reads an address's query. What it does not know or cannot use it leaves out, and says so. */
export function parseQuery(query: string): { settings: Settings; notices: string[] } {
  let current = initialSettings;
  const notices: string[] = [];
  const seen = new Set<string>();
  for (const [name, text] of new URLSearchParams(query)) {
    const key = keys.find((k) => k === name);
    if (!key) {
      notices.push(`There is no setting ${clip(name) || 'without a name'}; it was ignored.`);
    } else if (seen.has(name)) {
      notices.push(`${key} is given twice; the second one was ignored.`);
    } else {
      const result = withSetting(current, key, text);
      if (result.settings) current = result.settings;
      else notices.push(`${result.problem} The page uses ${show(key, current) || 'none'}.`);
    }
    seen.add(name);
  }
  return { settings: current, notices };
}

/** A setting as the text that `parse` reads. */
export function show(key: Key, from: Settings): string {
  return (settings[key].show as (value: unknown) => string)(from[key]);
}

/** The query that stands for these settings: '' or '?…', with only what differs from the initial ones. */
export function toQuery(current: Settings): string {
  const parts = keys
    .filter((key) => show(key, current) !== show(key, initialSettings))
    // A comma is legal in a query and easier to read than %2C.
    .map((key) => `${key}=${encodeURIComponent(show(key, current)).replaceAll('%2C', ',')}`);
  return parts.length > 0 ? `?${parts.join('&')}` : '';
}
