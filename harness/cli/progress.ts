/**
 * Prints the progress of a run: a bar that redraws itself on a terminal; elsewhere a line now and then, each after twice the time that the
 * one before it took, so that a file stays short. Hand-written, because it is little code: the libraries for bars write only to terminals,
 * draw by timers of their own, and cut a long line at its end, which is where the remaining time is.
 */

import { duration } from '../text/units';
import { inColour } from './colours';

/** Time from the first line in a file to the second. */
const QUIET_MS = 5000;
const REDRAW_MS = 100;
/** Columns of the bar; a bar shorter than the least is not drawn. */
const BAR = { most: 24, least: 6 };

interface ProgressState {
  readonly done: number;
  readonly total: number;
  /** The text after the bar: loss, speed. */
  readonly text: string;
  readonly secondsLeft?: number | undefined;
}

export class ProgressLine {
  private readonly stream: NodeJS.WriteStream;
  readonly isTerminal: boolean;
  private last = Number.NEGATIVE_INFINITY;
  private drawn = false;
  /** Time until the next line, where this is no terminal. */
  private wait = QUIET_MS / 2;

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.stream = stream;
    this.isTerminal = stream.isTTY === true;
  }

  /** Shows the state, unless the previous one was shown a moment ago. */
  update(state: ProgressState): void {
    const now = performance.now();
    if (now - this.last < (this.isTerminal ? REDRAW_MS : this.wait)) return;
    this.last = now;
    if (this.isTerminal) {
      // A character in the last column makes some terminals wrap to the next line.
      const line = progressLine(state, (this.stream.columns || 80) - 1);
      const [bar] = /^[━╌]*/.exec(line)!;
      const full = bar.lastIndexOf('━') + 1;
      const painted = `${inColour('cyan', bar.slice(0, full), this.stream)}${inColour('dim', bar.slice(full), this.stream)}`;
      this.stream.write(`\r\x1b[K${painted}${line.slice(bar.length)}`);
      this.drawn = true;
    } else {
      this.stream.write(`${progressLine(state)}\n`);
      this.wait *= 2;
    }
  }

  /** Prints a permanent line above the bar. */
  print(line = ''): void {
    this.clear();
    this.stream.write(`${line}\n`);
    // If the output is no terminal, this line also resets the interval between progress lines.
    if (!this.isTerminal) this.last = performance.now();
  }

  clear(): void {
    if (this.drawn) this.stream.write('\r\x1b[K');
    this.drawn = false;
    this.last = Number.NEGATIVE_INFINITY;
  }
}

/** A line of at most `width` columns, with as much of a bar as fits beside text and time; without a width, only the text. */
export function progressLine({ done, total, text, secondsLeft }: ProgressState, width?: number): string {
  const share = total > 0 ? done / total : 1;
  const percent = `${String(Math.floor(100 * share)).padStart(3)}%  `;
  const left = secondsLeft === undefined ? '' : `  ${duration(secondsLeft)} left`;
  if (width === undefined) return `${percent}${text}${left}`;
  const room = width - percent.length - left.length;
  const length = Math.min(room - text.length - 1, BAR.most);
  const full = Math.floor(share * length);
  const bar = length < BAR.least ? '' : `${'━'.repeat(full)}${'╌'.repeat(length - full)} `;
  const words = text.length <= room ? text : `${text.slice(0, Math.max(room - 1, 0))}…`;
  return `${bar}${percent}${words}${left}`.slice(0, width);
}
