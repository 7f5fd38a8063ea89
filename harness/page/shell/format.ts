/** Formats numbers and names for the page. Pure. */
import { whole } from '../../text/units';

/** Three significant digits, as many as a measured value deserves, without an exponent. */
export function measured(n: number): string {
  if (!Number.isFinite(n)) return '–';
  if (n !== 0 && Math.abs(n) < 0.0005) return '< 0.001';
  return Math.abs(n) >= 100 ? whole(n) : n.toLocaleString('en-US', threeDigits);
}
const threeDigits = { minimumSignificantDigits: 3, maximumSignificantDigits: 3 } as const;

export function loss(n: number): string {
  return n >= 0.001 || n === 0 ? n.toFixed(4) : n.toExponential(2);
}

export const percentText = (share: number) =>
  `${share > 0 && share < 0.001 ? '< 0.1' : (100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;

/** `a`, `a and b`, `a, b and c`. */
export const listed = (parts: readonly string[]): string =>
  parts.length > 1 ? `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}` : parts.join();

/** An error's message; where the network is gone and something could not be fetched, that instead. */
export const orOffline = (message: string, isOnline = navigator.onLine): string =>
  !isOnline && /can be reached\.$|could not be loaded|Failed to fetch/.test(message)
    ? 'You are offline. What is here stays; press again when there is a network.'
    : message;

/** What the worker says of a model or a checkpoint, with the name of its file, which the worker does not know. */
export const ofFile = (text: string, name: string): string =>
  text.replace(/^The (model|checkpoint)\b/, () => name);
