/** The functions that harness/tools/peers/chrome.ts calls. */
import { type Comparison, compare, type Plan } from './compare';

declare global {
  interface Window {
    report(line: string): Promise<void>;
    startComparison?: (plan: Plan) => void;
    /** Resolves to undefined after `milliseconds`. */
    waitForComparison?: (milliseconds: number) => Promise<Comparison | undefined>;
  }
}

let comparison: Promise<Comparison> | undefined;

window.startComparison = (plan) => {
  comparison = compare(plan, (line) => void window.report(line));
  // Its result is requested later.
  comparison.catch(() => {});
};
window.waitForComparison = (milliseconds) =>
  Promise.race([
    comparison!,
    new Promise<undefined>((resolve) => setTimeout(resolve, milliseconds, undefined)),
  ]);
