/** The images of the training worker: loads and keeps them, and finds what a run that goes on trains on. */
import { EngineError, type ImageSet, samplingFor } from '../../../src';
import { once } from '../../../src/base/load';
import { withTimeout } from '../../../src/base/time';
import type { Folder } from '../../../src/keeping/slots';
import { type Checkpoint, loadCheckpoint } from '../../../src/weights/checkpoint';
import { assertSameData, fingerprintImages } from '../../../src/weights/fingerprint';
import { TrainingRun } from '../../../src/worker/run';
import { countClasses } from '../../pictures/class_names';
import type { OwnFile } from '../../pictures/own_images';
import { type MadeImages, sizeAgain } from '../../pictures/small_pictures';
import { isPlanned } from '../../run/plan';
import { megabytes } from '../../text/units';
import { type DataSource, FACES, type PageCalls, UNDER_WAY } from '../messages/calls';
import { settingsFromRun } from '../messages/settings';
import { browserReader, loadLabelledDigits } from './image_sources';
import { KeptImages } from './kept_images';
import type { Views } from './views';
import { checkHasLabels, pretrained, splitImages, type WorkerState } from './worker_state';

const OTHER_FACES =
  'These are not the faces that the run trains on: the emoji font of this device has changed since, or the run is of another device. It stays as it is, and goes on where its font is.';

/** Reads the user's own images: it comes with the first of them. */
const ownImages = () => import('../../pictures/own_images');
const arePictures = async (files: readonly OwnFile[]) => {
  const { fileKind } = await ownImages();
  return files.some((file) => fileKind(file) === 'picture');
};
const isFiles = (from: DataSource): from is readonly OwnFile[] => Array.isArray(from);

export class Files {
  /** What the images were made from. */
  private given: DataSource | undefined;
  /** The faces of the device, drawn once. */
  private readonly faces = once(async () => (await import('./faces')).drawFaces());
  private reading: { readonly from: DataSource; readonly controller: AbortController } | undefined;
  private readonly kept = new KeptImages(
    // As in src/worker/stored_runs.ts.
    () => withTimeout(navigator.storage.getDirectory()) as Promise<unknown> as Promise<Folder>,
  );
  private readonly state: WorkerState;
  private readonly views: Views;
  /** The kept run whose images are kept, or cannot be. */
  private keptFor: string | undefined;

  constructor(state: WorkerState, views: Views) {
    this.state = state;
    this.views = views;
    state.loadDigits = () => this.loadData('digits');
    state.session.on('stored', ({ id }) => void this.keepImages(id));
    // Where the browser keeps nothing, nothing is to be deleted.
    state.session.on('runs', () => void this.kept.tidy().catch(() => {}));
  }

  readonly calls = {
    digits: () => {
      const load = async () => {
        if (!this.state.images) await this.loadData('digits');
      };
      void this.state.session.turns.take('background', load);
    },
    data: (from) =>
      this.state.session.turns.take('answer', async () => {
        // A run keeps its own.
        if (this.state.session.run) this.state.report(new EngineError('argument', UNDER_WAY), 'data');
        else await this.loadData(from);
      }),
    stopReading: () => void this.stopReading(),
    faces: () =>
      this.faces().then(
        () => undefined,
        (error: Error) => error.message,
      ),
  } satisfies Partial<PageCalls>;

  /** `size`: in place of the page's, for pictures. */
  async loadData(from: DataSource, size?: number): Promise<void> {
    const { state } = this;
    const { session } = state;
    session.phase = 'loading';
    const controller = new AbortController();
    this.reading = { from, controller };
    try {
      const { images, ink, cut = 0, shrunk, notes } = await this.read(from, controller.signal, size);
      this.given = from;
      state.images = images;
      const { count, height, width, channels, classNames, name = '' } = images;
      const builtIn = from === 'digits';
      state.source = builtIn ? 'mnist' : name;
      const pictures = isFiles(from) && (await arePictures(from));
      const classes = countClasses(images);
      const shape = { count, height, width, channels };
      const data = { name, builtIn, pictures, ink, cut, shrunk, notes, ...shape, classes, classNames };
      state.data = data;
      // A run on such images begins with it: it is there by the press.
      if (data.channels === 3 && !builtIn) void pretrained.pictures().catch(() => {});
      state.patch({ data });
      session.idlePhase = 'idle';
      if (!session.run) state.freeUntrained();
      await this.views.strip();
    } catch (error) {
      if (session.idlePhase === 'starting') session.idlePhase = 'idle';
      if (error !== controller.signal.reason) state.report(error, 'data');
    } finally {
      this.reading = undefined;
    }
  }

  /** Ends the reading of the user's files: the images stay as they were. Returns what was being read. */
  stopReading(): DataSource | undefined {
    this.reading?.controller.abort();
    return this.reading?.from;
  }

  /** Reads the user's files again, with other choices of the page. */
  async readAgain(from = this.given): Promise<void> {
    if (!this.state.session.run && from && isFiles(from)) await this.loadData(from);
  }

  private async read(
    from: DataSource,
    signal: AbortSignal,
    size = this.state.settings.size,
  ): Promise<MadeImages> {
    if (from === 'digits') return { images: await loadLabelledDigits(), notes: [] };
    if (from === 'faces') return this.faces();
    if (!isFiles(from)) return { images: from, notes: [] };
    const { fit, ink, flip } = this.state.settings;
    const { readOwnImages } = await ownImages();
    return readOwnImages(from, { size, fit, ink, flip }, browserReader, {
      signal,
      progress: (done, total, what) => this.state.patch({ reading: { done, total, what } }),
    });
  }

  /** The run that goes on from a checkpoint, on the images that it was trained on. `id`: the browser keeps it under this name. */
  async oldRun(checkpoint: Uint8Array<ArrayBuffer>, id: string | undefined): Promise<TrainingRun> {
    const { state } = this;
    const name = id === undefined ? 'The checkpoint' : 'The run';
    const saved = loadCheckpoint(checkpoint, name);
    const settings = settingsFromRun(saved, name);
    state.session.phase = 'loading';
    await this.findImages(id, saved);
    if (!state.images) await state.loadDigits();
    const begun = { ...state.settings, ...settings };
    const { train: images } = state.splitImages(begun);
    const { binarize, dropLast, maxSteps, scheduleChanges } = saved.settings;
    const end = isPlanned(saved.training) ? { maxSteps, scheduleChanges } : {};
    const options = { images, settings: { ...state.savedSettings(begun), binarize, dropLast, ...end } };
    const run = TrainingRun.resume(checkpoint, options, name);
    checkHasLabels(images, saved.config);
    state.settings = begun;
    state.begun = begun;
    state.freeUntrained();
    const { losses, note } = saved;
    state.patch({ resumed: { kept: id !== undefined, id, settings, losses, note } });
    state.tellBegun(samplingFor(saved));
    state.planning.resume(run, saved.training);
    return run;
  }

  /** Loads the images of a run that goes on. Throws `data` for a kept one whose images are not there. */
  private async findImages(id: string | undefined, saved: Checkpoint): Promise<void> {
    const { state } = this;
    const { source } = saved.settings;
    if (isDataOf(saved, state.images)) return;
    if (id !== undefined) {
      // As if they were not kept, where they cannot be read: the page asks for them.
      const kept = await withTimeout(this.kept.read(id, (images) => isDataOf(saved, images))).catch(() => {});
      const known = kept ?? (source === 'mnist' ? 'digits' : undefined);
      if (known) await this.loadData(known);
      if (isDataOf(saved, state.images)) return;
    }
    if (source === FACES) {
      await this.loadData('faces');
      if (isDataOf(saved, state.images)) return;
      if (state.source === FACES) throw new EngineError('data', OTHER_FACES);
    }
    if ((await this.findPictures(saved)) || id === undefined) return;
    state.patch({ needsData: id });
    throw new EngineError('data', 'These are not the images that the run trains on.');
  }

  /** Reads the user's pictures again at the size of the run's images, which may be one that the page makes no more. */
  private async findPictures(saved: Checkpoint): Promise<boolean> {
    const { state, given } = this;
    const { height, width } = saved.data;
    const isSize = state.data?.height === height && state.data.width === width;
    if (isSize || !state.data?.pictures || !given) return false;
    await this.loadData(given, sizeAgain(saved.data));
    if (isDataOf(saved, state.images)) return true;
    await this.loadData(given);
    return false;
  }

  /** Keeps the user's images with the run, which the browser keeps under this name, or says why it does not. */
  private async keepImages(id: string): Promise<void> {
    const { session, images } = this.state;
    if (id === this.keptFor || !session.run || !images || typeof this.given === 'string') return;
    this.keptFor = id;
    try {
      await this.kept.write(id, images);
    } catch (error) {
      const { name, message } = error as Error;
      const why = name === 'QuotaExceededError' ? 'There is no room left for this page.' : message;
      const kept = `This browser keeps the run without its ${megabytes(images.images.length)} of images`;
      session.tell('warning', { message: `${kept}, and asks for them when it goes on. ${why}`, run: false });
    }
  }
}

/** Whether these are the images of the checkpoint's run. */
function isDataOf(checkpoint: Checkpoint, images: ImageSet | undefined): boolean {
  const asked = settingsFromRun(checkpoint, 'The run');
  try {
    assertSameData(checkpoint.data, fingerprintImages(splitImages(images, asked).train));
    return true;
  } catch {
    return false;
  }
}
