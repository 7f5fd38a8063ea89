/** Distils the run's network in the background of the training worker, so that other requests come first. */
import type { Distiller } from '../../../src';
import type { DataFingerprint } from '../../../src/weights/fingerprint';
import { loadModel } from '../../../src/weights/model';
import { saveModel } from '../../../src/weights/save_model';
import type { TurnContext } from '../../../src/worker';
import type { PageCalls } from '../messages/calls';
import { describeModel, runFileName } from '../messages/order';
import type { WorkerState } from './worker_state';

/** A distillation under way. Between two of its events it may rest. */
interface ActiveDistillation {
  readonly distiller: Distiller;
  readonly events: ReturnType<Distiller['run']>;
  readonly name: string;
  /** The images that the teacher was trained on. */
  readonly data: DataFingerprint;
  seconds: number;
}

export class Distilling {
  private readonly state: WorkerState;
  private active: ActiveDistillation | undefined;

  constructor(state: WorkerState) {
    this.state = state;
  }

  readonly calls = {
    distil: (calls) => void this.begin(calls),
    stopDistilling: () => this.stop(),
  } satisfies Partial<PageCalls>;

  private async begin(calls: 1 | 2): Promise<void> {
    const { session } = this.state;
    try {
      await session.turn('answer', (context) => this.prepare(calls, context));
      const { active } = this;
      if (active) await this.goOn(active);
    } catch (error) {
      this.state.report(error, 'task');
    }
  }

  /** Ends it, if it is under way; nothing of it stays. */
  stop(): void {
    const { active } = this;
    if (!active) return;
    this.active = undefined;
    active.distiller.destroy();
    active.events.return().catch(() => {});
    this.state.session.turns.end(['background']);
    this.state.patch({ distilling: undefined });
  }

  private async prepare(calls: 1 | 2, { engine, network: unet }: TurnContext): Promise<void> {
    const { state } = this;
    const { session, current } = state;
    const { run } = session;
    if (this.active || !run || !unet) return;
    session.phase = 'compiling';
    const distiller = await engine.createDistiller(unet, { calls, seed: current.seed });
    const { data } = run;
    const step = `distilled-to-${calls}-step-${run.losses.length}`;
    const name = runFileName(current, data.name, step, 'safetensors');
    this.active = { distiller, events: distiller.run(), name, data, seconds: 0 };
    await session.use('distiller', unet, async () => ({ unet, destroy: () => this.stop() }));
    state.patch({ distilling: { ...planOf(distiller), trajectories: 0, step: 0 } });
  }

  private async goOn(active: ActiveDistillation): Promise<void> {
    const { session } = this.state;
    try {
      await session.turn('background', async ({ signal }) => {
        session.phase = session.resting;
        await this.follow(active, signal);
        if (this.active === active) await this.finish(active);
      });
    } catch (error) {
      // A stopped distillation was reported already.
      if (this.active !== active) return;
      this.stop();
      throw error;
    }
  }

  /** Goes on to the end, or until it is to rest. */
  private async follow(active: ActiveDistillation, signal: AbortSignal): Promise<void> {
    while (this.active === active) {
      signal.throwIfAborted();
      const start = performance.now();
      const { value: event } = await active.events.next();
      active.seconds += (performance.now() - start) / 1000;
      if (!event || this.active !== active) return;
      const { done, ...progress } = event;
      const secondsLeft = done > 0 ? active.seconds * (1 / done - 1) : undefined;
      this.state.patch({ distilling: { ...planOf(active.distiller), ...progress, secondsLeft } });
    }
  }

  /** The student becomes the model of the file, which the page may save. */
  private async finish({ distiller, name, data }: ActiveDistillation): Promise<void> {
    const { state } = this;
    const { session, objective } = state;
    const student = distiller.student!;
    this.active = undefined;
    try {
      const bytes = await saveModel(student, { objective, data });
      const model = loadModel(bytes, name);
      await session.samplers.load('model', model, await session.device());
      const distilled = { model: { ...describeModel(model), name }, bytes };
      state.patch({ distilling: undefined, distilled: distilled }, [bytes.buffer]);
    } catch (error) {
      state.patch({ distilling: undefined });
      throw error;
    } finally {
      student.destroy();
      distiller.destroy();
    }
  }
}

function planOf({ config: { calls, noises, steps, batchSize: batch } }: Distiller) {
  return { calls, noises, steps, batch };
}
