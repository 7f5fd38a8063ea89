/** What harness/tools/peers/chrome.ts calls. */
import { type Comparison, compare, type Plan } from './compare';

declare global {
  interface Window {
    report(line: string): Promise<void>;
    startComparison?: (plan: Plan) => void;
    /** Resolves to undefined after so many milliseconds. */
    waitForComparison?: (milliseconds: number) => Promise<Comparison | undefined>;
  }
}

let comparison: Promise<Comparison> | undefined;

window.startComparison = (plan) => {
  comparison = compare(plan, (line) => void window.report(line));
  // It is asked for later.
  comparison.catch(() => {});
};
window.waitForComparison = (milliseconds) =>
  Promise.race([
    comparison!,
    new Promise<undefined>((resolve) => setTimeout(resolve, milliseconds, undefined)),
  ]);
