/** The page in which the command line runs its bench and its check: it passes their events on as they come. */

import { EngineError } from '../../src/base/errors';
import { createEngine, type EngineOptions } from '../../src/engine';
import { type BenchOptions, runBench } from '../bench/run';
import { type CheckOptions, runCheck } from '../run/check';
import type { BrowserEvent, BrowserJob } from './in_browser';

type JobOptions = BenchOptions &
  CheckOptions & { readonly engine?: Pick<EngineOptions, 'tune' | 'variants'> };

declare global {
  interface Window {
    startJob(job: BrowserJob, options: JobOptions): void;
    /** Waits for events; returns BrowserEvent[] as JSON (drivers differ in the types they transfer); the last is `end` or `error`. */
    nextEvents(): Promise<string>;
  }
}

let events: BrowserEvent<unknown>[] = [];
let wake = () => {};

function tell(event: BrowserEvent<unknown>): void {
  events.push(event);
  wake();
}

window.startJob = (job, options) => {
  runJob(job, options).catch((error: unknown) => {
    const code = error instanceof EngineError ? error.code : undefined;
    tell({ kind: 'error', message: error instanceof Error ? error.message : String(error), code });
  });
};

window.nextEvents = async () => {
  while (events.length === 0) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  const taken = events;
  events = [];
  return JSON.stringify(taken);
};

async function runJob(job: BrowserJob, options: JobOptions): Promise<void> {
  const engine = await createEngine({ ...options.engine, selfCheck: false });
  engine.device.addEventListener('uncapturederror', ({ error }) =>
    tell({ kind: 'error', message: error.message }),
  );
  tell({ kind: 'adapter', adapter: engine.adapter });
  const pass = (event: unknown) => tell({ kind: 'event', event });
  if (job === 'bench') await runBench(engine, { ...options, runtime: navigator.userAgent }, pass);
  else for await (const event of runCheck(engine, options)) pass(event);
  tell({ kind: 'end' });
}
