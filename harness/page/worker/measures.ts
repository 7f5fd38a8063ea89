/** When the run is measured, how long it has been trained, and when its time is up. */
import type { Engine, TrainingEvent } from '../../../src';
import type { TrainingRun } from './door';
import { type Kind, LiveMeasures } from './live_measures';
import type { Workplace } from './place';
import { TrainingClock } from './training_clock';
import type { Views } from './views';

export class Measures {
  readonly clock = new TrainingClock();
  private readonly place: Workplace;
  private readonly views: Views;
  private readonly measures: LiveMeasures;

  constructor(place: Workplace, views: Views) {
    this.place = place;
    this.views = views;
    this.measures = new LiveMeasures(place.post, this.clock);
  }

  /** From now on it measures this run. */
  begin({ unet, objective, settings, trainer }: TrainingRun, engine: Engine): void {
    const { held } = this.place.imagesOf(this.place.current);
    this.measures.begin({
      ...{ engine, held, binarize: settings.binarize, seed: settings.seed, trainer: trainer! },
      network: { unet: unet!, objective },
      isDigits: this.place.source === 'mnist',
    });
  }

  /** Call this before the run leaves the device. */
  free(): void {
    this.measures.free();
  }

  training(on: boolean): void {
    if (on) this.clock.start(performance.now());
    else this.clock.stop(performance.now());
  }

  /** Stops training whose time is up, and asks for what is to be measured. */
  between({ imagesPerSecond }: Pick<TrainingEvent, 'imagesPerSecond'>): void {
    const { core, settings, post } = this.place;
    this.measures.tell(imagesPerSecond);
    const due = this.measures.due(imagesPerSecond);
    if (this.clock.isOver(performance.now(), settings.minutes)) {
      core.pause();
      post({ type: 'timeUp' });
    } else if (due) core.tasks.request(() => this.measure(due));
  }

  /** Of the network at the end of the run; nobody waits for them. */
  async last(): Promise<void> {
    for (const kind of ['heldOut', 'quality'] as const) if (!this.place.core.wanted) await this.measure(kind);
  }

  /** Measures the network as it is now; an interruption ends that. Training, if it is wanted, goes on afterwards. */
  async measure(kind: Kind): Promise<void> {
    const { core } = this.place;
    const { run } = core;
    const trainer = run?.trainer;
    if (!trainer || !this.measures.can(kind, run.losses.length)) return;
    const step = run.losses.length;
    const trains = core.wanted !== undefined;
    if (trains) this.training(true);
    else core.phase(core.resting);
    try {
      await core.tasks.interruptible(trains ? 'training' : 'pictures', (signal) =>
        this.measures.measure(kind, { step, counts: trains, signal }),
      );
    } finally {
      this.training(false);
    }
    // It was a pause that ended it, and not the loss of the device.
    if (trains && !core.wanted && core.run?.trainer === trainer) {
      core.phase(core.resting);
      await this.views.lastPictures(step);
    }
  }
}
