/** Runs trials of edited shaders in a worker of their own, one at a time. */
import { startWorker } from '../shell/start_worker';
import type { TrialEvent, TrialOrder, TrialResult } from './trial_messages';

/**
 * A trial that sends nothing for this time is ended, its device with it. Counting finds an endless loop in a small case long before (guard.ts);
 * this limit is for a loop that does not end at the size of the step, and for anything else that hangs.
 */
const SILENCE_MS = 60_000;

export class Trials {
  private worker: Worker | undefined;
  private id = 0;
  /** Resolves the trial that is under way. */
  private giveUp: (() => void) | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Starts a trial; its promise never rejects. The trial under way is given up: it resolves to undefined. */
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

  /** Gives up the trial under way. */
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
