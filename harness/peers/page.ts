/** What harness/peers/chrome.ts calls. */
import { type Comparison, compare, type Plan } from './compare';

declare global {
  interface Window {
    report(line: string): Promise<void>;
    comparePeers?: (plan: Plan) => Promise<Comparison>;
  }
}

window.comparePeers = (plan) => compare(plan, (line) => void window.report(line));
