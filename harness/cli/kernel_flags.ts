/** The flags that select the kernel variants of a network, and the output while they are chosen. */

import { existsSync } from 'node:fs';
import type { Progress as Preparation } from '../../src/base/events';
import type { Engine, EngineOptions } from '../../src/engine';
import { requirements } from '../../src/gpu/request_device';
import { padBatch } from '../../src/plan/tensor';
import { checkVariants } from '../../src/unet/check_variants';
import { listLayers, type UNetConfig } from '../../src/unet/config';
import type { Variants } from '../../src/unet/variants';
import { preparing } from '../text/kernels_text';
import { duration } from '../text/units';
import { type Given, show, text, toggle, UsageError } from './args';
import { readWhole } from './files';
import type { ProgressLine } from './progress';

export const kernelFlags = {
  tune: toggle(
    'measure which kernel variants are fastest here, unless that is known\n(default on a GPU: at most about 2 s; in software it may take 40)',
  ),
  'no-tune': toggle('take the usual variants without measuring (default in software)'),
  variants: text(
    'FILE|KERNEL/LAYER=VARIANT,…',
    "use these, and each kernel's plain variant where none is named: the same\nbits on the same adapter. FILE is the run.json of a run, or such a list\nas a JSON object; explain prints the names",
  ),
};

export type EngineChoice = Pick<EngineOptions, 'tune' | 'variants'>;

/** Turns the flags into engine options. Throws UsageError, or EngineError `data` for a file that cannot be read. */
export async function kernelChoice(given: Given<typeof kernelFlags>): Promise<EngineChoice> {
  const { tune, 'no-tune': noTune, variants } = given;
  const flags = Object.keys(kernelFlags).filter((flag) => given[flag as keyof typeof kernelFlags]);
  if (flags.length > 1) {
    throw new UsageError(
      `${flags.map((flag) => `--${flag}`).join(' and ')} contradict each other; give one of them.`,
    );
  }
  if (variants !== undefined) return { variants: await readVariants(variants) };
  return tune || noTune ? { tune: tune === true } : {};
}

/** Throws for variants that the network lacks. Every optional feature counts as there: the device's own are checked later. */
export function checkKernels({ variants }: EngineChoice, config: UNetConfig, batch: number): void {
  const features = new Set(requirements.optionalFeatures);
  if (variants) checkVariants(variants, listLayers(config), padBatch(batch), { features }, true);
}

/** The names are checked later, when the network is known: see checkKernels. */
async function readVariants(given: string): Promise<Variants> {
  // The path of a file may have an = in it: runs/lr=3e-3/run.json.
  if (given.includes('=') && !existsSync(given)) {
    const entries = given.split(',').map((entry) => entry.split('=').map((part) => part.trim()));
    const wrong = entries.find((parts) => parts.length !== 2 || parts.some((part) => part === ''));
    if (wrong) {
      throw new UsageError(
        `--variants has ${show(wrong.join('='))}; it must be KERNEL/LAYER=VARIANT, such as conv2d/down.1=winograd7, with commas between.`,
      );
    }
    const names = entries.map(([name]) => name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice) throw new UsageError(`--variants names ${show(twice)} twice; name it once.`);
    return Object.fromEntries(entries as [string, string][]);
  }
  return parseVariants(await readWhole(given), given);
}

/** The variants in a file. Throws UsageError. */
export function parseVariants(bytes: Uint8Array, name: string): Variants {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // The error below covers this.
  }
  const variants = (value as { settings?: { variants?: unknown } } | undefined)?.settings?.variants ?? value;
  if (
    typeof variants !== 'object' ||
    variants === null ||
    Array.isArray(variants) ||
    !Object.values(variants).every((v) => typeof v === 'string')
  ) {
    throw new UsageError(
      `--variants ${name} holds no variants; it must be the run.json of a run, or a JSON object such as {"conv2d/down.1": "winograd"}.`,
    );
  }
  return variants as Variants;
}

/** Preparations that end sooner are not reported. */
const SHORT_MS = 500;

/** Shows the progress of the preparations and remembers their result. */
export class Preparations {
  private readonly start = performance.now();
  /** The last state of tuning; undefined if nothing was measured. */
  private tuning:
    | { readonly done: number; readonly total: number; readonly from: number; at: number }
    | undefined;
  private readonly progress: ProgressLine;
  /** What the preparations are for, once a run has trained. */
  purpose = '';

  constructor(progress: ProgressLine) {
    this.progress = progress;
  }

  readonly onProgress = (preparation: Preparation): void => {
    const { done, total, kernel } = preparation;
    const now = performance.now();
    if (preparation.task === 'tuning') this.tuning = { done, total, from: this.tuning?.from ?? now, at: now };
    const task = preparing(preparation);
    const text = `${this.purpose}${this.purpose ? task[0].toLowerCase() + task.slice(1) : task}: ${done} of ${total}`;
    if (kernel !== undefined) this.progress.print(text);
    else if (now - this.start > SHORT_MS) this.progress.update({ done, total, text });
  };

  /** Event handlers for an engine. */
  get handlers(): Pick<EngineOptions, 'onProgress' | 'onWarning'> {
    return { onProgress: this.onProgress, onWarning: ({ message }) => this.progress.print(message) };
  }

  /** Says how an engine's variants were chosen. */
  origin({ tune }: Pick<Engine, 'tune'>, given: boolean): string {
    if (given) return 'as given';
    if (!tune) return 'the usual ones, not measured here';
    if (!this.tuning) return 'the fastest, as measured before';
    const { done, total, from, at } = this.tuning;
    const seconds = duration((at - from) / 1000);
    return done === total
      ? `the fastest, measured in ${seconds}`
      : `the fastest of the ${done} heaviest shapes of ${total}, measured in ${seconds}; the usual ones for the rest`;
  }
}
