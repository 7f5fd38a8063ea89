/** Formats numbers and names for the page. Pure. */
import type { AdapterDescription } from '../../../src';
import { type EpochParts, stepsPerEpoch } from '../../../src/training/epoch';
import { adapterName as nameOf } from '../../text/adapter_text';

export const whole = (n: number) => Math.round(n).toLocaleString('en-US');

/** Three significant digits, as many as a measured value deserves, without an exponent. */
export function measured(n: number): string {
  if (!Number.isFinite(n)) return '–';
  if (n !== 0 && Math.abs(n) < 0.0005) return '< 0.001';
  return n.toLocaleString('en-US', Math.abs(n) >= 100 ? { maximumFractionDigits: 0 } : threeDigits);
}
const threeDigits = { minimumSignificantDigits: 3, maximumSignificantDigits: 3 } as const;

export function loss(n: number): string {
  return n >= 0.001 || n === 0 ? n.toFixed(4) : n.toExponential(2);
}

/** About two digits: the seconds of an hour do not matter. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 1) return 'under 1 s';
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  const minutes = Math.round(s / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function megabytes(bytes: number): string {
  return `${measured(bytes / 1e6)} MB`;
}

export const percent = (share: number) =>
  `${share > 0 && share < 0.001 ? '< 0.1' : (100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;

/** An error's message; where the network is gone and something could not be fetched, that instead. */
export const orOffline = (message: string, isOnline = navigator.onLine): string =>
  !isOnline && /can be reached\.$|could not be loaded|Failed to fetch/.test(message)
    ? 'You are offline. What is here stays; press again when there is a network.'
    : message;

export const adapterLabel = (adapter: AdapterDescription): string =>
  nameOf(adapter) || (adapter.software ? 'Unnamed software adapter' : 'Unnamed adapter');

/** A count with a noun that has a regular plural. */
export const some = (n: number, what: string) => `${whole(n)} ${what}${n === 1 ? '' : 's'}`;

/** The tutorial’s run: all of MNIST, training and test set merged, five times. */
const tutorial = { images: 70_000, epochs: 5 };

/** The work of this run in words; `asTutorial`: compared with the tutorial's run. */
export function workLine(parts: EpochParts, epochs: number, asTutorial: boolean): string {
  const images = parts.imageCount;
  const steps = stepsPerEpoch(parts);
  const own = `${some(steps, 'step')} an epoch at batch ${whole(parts.batchSize)}, ${whole(steps * epochs)} in ${some(epochs, 'epoch')}`;
  // A part of the images says little about how much of them is enough.
  if (!asTutorial || images < 10_000 || (images === tutorial.images && epochs >= tutorial.epochs))
    return `${own}.`;
  const equal = Math.max(1, Math.round((tutorial.epochs * tutorial.images) / images));
  return `${own}. ${some(equal, 'epoch')} here ${equal === 1 ? 'sees' : 'see'} as many images as the tutorial’s ${tutorial.epochs} of ${whole(tutorial.images)}.`;
}
