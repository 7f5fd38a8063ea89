/** The functions that harness/tools/peers/chrome.ts calls. */
import { compare, type PeerPlan, type PeerTimes } from './compare';

declare global {
  interface Window {
    report(line: string): Promise<void>;
    startComparison?: (plan: PeerPlan) => void;
    /** Resolves to undefined after `milliseconds`. */
    waitForComparison?: (milliseconds: number) => Promise<PeerTimes | undefined>;
  }
}

let comparison: Promise<PeerTimes> | undefined;

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
