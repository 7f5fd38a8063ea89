/** Has edited shaders tried in a worker of its own, one at a time. */
import { startWorker } from '../shell/start_worker';
import type { TrialEvent, TrialOrder, TrialResult } from './trial_messages';

/**
 * A trial that says nothing for so long is ended, its device with it. Loops that do not end in a small case are found long before, by counting
 * (guard.ts); this is for one that does not end at the size of the step, and for whatever else hangs.
 */
const SILENCE_MS = 60_000;

export class Trials {
  private worker: Worker | undefined;
  private id = 0;
  /** Resolves the one that is under way. */
  private giveUp: (() => void) | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Resolves in any case. One that is under way is given up: it resolves to undefined. */
  run(order: Omit<TrialOrder, 'id'>, progress: (text: string) => void): Promise<TrialResult | undefined> {
    this.stop();
    const id = ++this.id;
    this.worker ??= startWorker('edit');
    const { worker } = this;
    return new Promise((resolve) => {
      const end = (result: TrialResult | undefined) => {
        clearTimeout(this.timer);
        this.giveUp = undefined;
        resolve(result);
      };
      const stopped = (message: string) => {
        this.terminate();
        end({ kind: 'failed', message });
      };
      const wait = () => {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => stopped(silence), SILENCE_MS);
      };
      const silence = `It was stopped after ${SILENCE_MS / 1000} seconds without an answer: it may never end at this size. Training goes on as before.`;
      this.giveUp = () => end(undefined);
      worker.onmessage = ({ data }: MessageEvent<TrialEvent>) => {
        if (data.id !== id) return;
        wait();
        if ('progress' in data) progress(data.progress);
        else {
          if (data.result.kind === 'failed') this.terminate();
          end(data.result);
        }
      };
      worker.onerror = ({ message }) =>
        stopped(message || 'The worker could not be loaded. Reload the page.');
      // Its silence counts from its first word on: how long its program takes to load says nothing about the shader.
      worker.postMessage({ ...order, id } satisfies TrialOrder);
    });
  }

  /** Gives up what is under way. */
  stop(): void {
    if (!this.giveUp) return;
    this.terminate();
    this.giveUp();
  }

  private terminate(): void {
    this.worker?.terminate();
    this.worker = undefined;
  }
}
