/** The runs that the browser keeps, and the images that they are trained on. */
import type { DataSource } from '../messages/calls';
import type { WorkerEvent } from '../messages/messages';
import { eventPatch } from '../messages/messages';
import { type Settings, withPictures } from '../messages/settings';
import { drawingsOfText, imagesOfDrawings, type KeptDrawing } from '../runs/kept_drawings';
import { keepNotes, readNotes } from '../runs/run_notes';
import type { Address } from './address';
import { endsReading, isComplete, isFixed, type State } from './state';
import type { TrainingWorker } from './training_worker';

/** The page, as far as its kept runs use it. */
interface Page {
  state: State;
  asked: unknown;
  readonly settings: Settings;
  readonly measuring: string | undefined;
  readonly address: Pick<Address, 'take'>;
  send(name: 'data', from: DataSource): void;
  notify(notice: string): void;
  command(give: (client: TrainingWorker) => Promise<unknown>, at?: 'data'): void;
  adjust(): void;
}

export class KeptRuns {
  /** The drawings that were last given as training images. */
  drawings: readonly KeptDrawing[] = [];
  /** Images that the user has given are on their way: what is trained on them waits, since they may bring a recipe. */
  coming = false;
  /** The kept run that is about to go on: it is in no list of the kept ones, and the page does not have it yet. */
  goesOn: string | undefined;
  private readonly app: Page;

  constructor(app: Page) {
    this.app = app;
  }

  /** Deletes a run that the browser keeps. */
  discard(id: string): void {
    const { app } = this;
    if (app.state.needsData === id) app.state = { ...app.state, needsData: undefined };
    app.command((client) => client.discard(id), 'data');
  }

  /** Trains a run that the browser keeps, in place of the page's, on the drawings that are kept with it, if there are any. */
  goOn(id: string): void {
    const { app } = this;
    if (this.isHeldUp()) return;
    const go = () => this.goOnNow(id);
    // What the page notes of its own run until then is of that run.
    if (isFixed(app.state) || app.state.losses.length > 0)
      app.command((client) => client.leave(true).then(go));
    else go();
  }

  private goOnNow(id: string): void {
    const { app } = this;
    const waited = app.state.needsData === id;
    const { drawings: text = '', pictures } = readNotes()[id] ?? {};
    const run = app.state.kept.find((each) => each.id === id);
    if (run && run.settings.source !== 'mnist') app.address.take(withPictures(app.settings, pictures));
    this.goesOn = id;
    const drawings = drawingsOfText(text);
    if (drawings) this.drawings = drawings;
    const resume = async (client: TrainingWorker) => {
      try {
        await client.goOn(id);
      } catch (error) {
        if (waited || app.state.needsData !== id) throw error;
        // Now the page asks for its images, unless it has drawn them.
        if (drawings) this.takeImages(imagesOfDrawings(drawings));
        return;
      } finally {
        this.goesOn = undefined;
        app.adjust();
      }
      if (!isComplete(app.state, app.settings.epochs)) await client.press({});
    };
    app.command(resume, 'data');
  }

  /** The kept run that waits for its images tries again. */
  goOnWaiting(): void {
    const { needsData } = this.app.state;
    if (needsData !== undefined && !this.goesOn && !this.isHeldUp()) this.goOnNow(needsData);
  }

  /** Gives the worker images to train on. A kept run that waits for them trains at once. */
  takeImages(from: DataSource): void {
    if (this.app.state.needsData !== undefined && this.isHeldUp()) return;
    this.coming = true;
    this.app.send('data', from);
  }

  /** `before`: the phase until this event. */
  receive(event: WorkerEvent, before: State['phase']): void {
    const { app } = this;
    if (eventPatch(event).data) this.coming = false;
    else if (this.coming && endsReading(event, before)) {
      // They have not come.
      this.coming = false;
      app.asked = undefined;
    }
    if (event.type === 'runs') keepNotes([app.state.id, this.goesOn, ...event.runs.map(({ id }) => id)]);
  }

  /** Whether a kept run cannot go on now, which the page says. */
  private isHeldUp(): boolean {
    const { measuring } = this.app;
    if (measuring) this.app.notify(`The ${measuring} has the GPU: go on with the run when it has ended.`);
    return measuring !== undefined;
  }
}
