/** Distils the run's network in the background of the training worker, so that other requests come first. */
import type { Distiller, UNet } from '../../../src';
import type { DataFingerprint } from '../../../src/weights/fingerprint';
import { loadModel } from '../../../src/weights/model';
import { saveModel } from '../../../src/weights/save_model';
import { descriptionOf, runFileName } from '../messages/order';
import type { Workplace } from './place';

/** A distillation under way. Between two of its events it may rest. */
interface Going {
  readonly distiller: Distiller;
  readonly events: ReturnType<Distiller['run']>;
  readonly name: string;
  /** The images that the teacher was trained on. */
  readonly data: DataFingerprint;
  /** Working time so far. */
  seconds: number;
}

export class Distilling {
  private readonly place: Workplace;
  private going: Going | undefined;

  constructor(place: Workplace) {
    this.place = place;
  }

  /** Begins to distil the run's network as it is now. */
  async begin(calls: 1 | 2): Promise<void> {
    const { core, current, post } = this.place;
    if (this.going || !core.run) return;
    core.phase('compiling');
    try {
      const engine = await core.device();
      const unet = await core.run.network(engine);
      const distiller = await engine.createDistiller(unet, { calls, seed: current.seed });
      const { data } = core.run;
      const name = runFileName(
        current,
        data.name,
        `distilled-to-${calls}-step-${core.run.losses.length}`,
        'safetensors',
      );
      this.going = { distiller, events: distiller.run(), name, data, seconds: 0 };
      post({ type: 'distilling', ...planOf(distiller), trajectories: 0, step: 0 });
    } catch (error) {
      this.place.report(error, 'task');
    }
  }

  /** Ends it, if it is under way; nothing of it stays. */
  stop(): void {
    const { going } = this;
    if (!going) return;
    this.going = undefined;
    going.distiller.destroy();
    going.events.return().catch(() => {});
    this.place.core.tasks.interrupt('distilling');
    this.place.post({ type: 'distilled' });
  }

  /** Call this before a network is destroyed, or trained on; without an argument, before all are. */
  free(unet?: UNet): void {
    if (!unet || unet === this.going?.distiller.teacher) this.stop();
  }

  /** The next background task; undefined if no distillation is under way. */
  background(): (() => Promise<void>) | undefined {
    const { going } = this;
    return going && (() => this.goOn(going));
  }

  private async goOn(going: Going): Promise<void> {
    const { core } = this.place;
    core.phase(core.idlePhase);
    try {
      const ended = await core.tasks.interruptible('distilling', (signal) => this.follow(going, signal));
      if (ended && this.going === going) await this.finish(going);
    } catch (error) {
      // A stopped distillation was reported already.
      if (this.going !== going) return;
      this.stop();
      throw error;
    }
  }

  /** Goes on to the end, or until it is to rest. */
  private async follow(going: Going, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const start = performance.now();
      const { value: event } = await going.events.next();
      going.seconds += (performance.now() - start) / 1000;
      if (!event || this.going !== going) return;
      const { done, ...progress } = event;
      const secondsLeft = done > 0 ? going.seconds * (1 / done - 1) : undefined;
      this.place.post({ type: 'distilling', ...planOf(going.distiller), ...progress, secondsLeft });
    }
  }

  /** The student becomes the model of the file, which the page may save. */
  private async finish({ distiller, name, data }: Going): Promise<void> {
    const { core, objective, post } = this.place;
    const student = distiller.student!;
    this.going = undefined;
    try {
      const bytes = await saveModel(student, { objective, data });
      const model = loadModel(bytes, name);
      await core.samplers.load('model', model, await core.device());
      post({ type: 'distilled', made: { model: { ...descriptionOf(model), name }, bytes } }, [bytes.buffer]);
    } catch (error) {
      post({ type: 'distilled' });
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
