/** The images of the training worker: loads and keeps them, and finds what a run that goes on trains on. */
import { EngineError, type ImageSet, samplingFor } from '../../../src';
import { inTime } from '../../../src/base/time';
import type { Folder } from '../../../src/keeping/folder';
import { type Checkpoint, loadCheckpoint } from '../../../src/weights/checkpoint';
import { assertSameData, fingerprintImages } from '../../../src/weights/fingerprint';
import type { OwnFile } from '../../pictures/own_images';
import type { MadeImages } from '../../pictures/small_pictures';
import { isPlanned } from '../../run/plan';
import { megabytes } from '../../text/units';
import { type DataOrder, UNDER_WAY } from '../messages/calls';
import { settingsOf } from '../messages/settings';
import { TrainingRun } from './door';
import { browserReader, loadLabelledDigits } from './image_sources';
import { KeptImages } from './kept_images';
import { checkLabels, classesOf, imagesOf, pretrained, type Workplace } from './place';
import type { Views } from './views';

export const digits: DataOrder = { from: 'digits' };

/** Reads the user's own images: it comes with the first of them. */
const ownImages = () => import('../../pictures/own_images');
const arePictures = async (files: readonly OwnFile[]) => {
  const { kindOf } = await ownImages();
  return files.some((file) => kindOf(file) === 'picture');
};
const isFiles = (from: DataOrder['from']): from is readonly OwnFile[] => Array.isArray(from);

export class Files {
  /** What the images were made from. */
  private given: DataOrder['from'] | undefined;
  private reading: { readonly from: DataOrder['from']; readonly controller: AbortController } | undefined;
  /** The digits: what was fetched is not fetched again. */
  private came: ImageSet | undefined;
  private readonly kept = new KeptImages(
    // As in src/worker/stored_runs.ts.
    () => inTime(navigator.storage.getDirectory()) as Promise<unknown> as Promise<Folder>,
  );
  private readonly place: Workplace;
  private readonly views: Views;

  constructor(place: Workplace, views: Views) {
    this.place = place;
    this.views = views;
  }

  /** Other images to train on. A run keeps its own. */
  async takeData(order: DataOrder): Promise<void> {
    if (this.place.core.run) {
      this.place.report(new EngineError('argument', UNDER_WAY), 'data');
      return;
    }
    await this.loadData(order);
  }

  async loadData({ from }: DataOrder): Promise<void> {
    const { place } = this;
    const { core } = place;
    core.phase('loading');
    const controller = new AbortController();
    this.reading = { from, controller };
    try {
      const { images, ink, cut = 0, own, notes } = await this.read(from, controller.signal);
      this.given = from;
      place.images = images;
      const { count, height, width, channels, classNames, name = '' } = images;
      const builtIn = from === 'digits';
      place.source = builtIn ? 'mnist' : name;
      const pictures = isFiles(from) && (await arePictures(from));
      const classes = classesOf(images);
      const size = { count, height, width, channels };
      const data = { name, builtIn, pictures, ink, cut, own, notes, ...size, classes, classNames };
      place.data = data;
      // A run on such images begins with it: it is there by the press.
      if (data.channels === 3 && !builtIn) void pretrained.pictures().catch(() => {});
      place.post({ type: 'data', data });
      core.idlePhase = 'idle';
      if (!core.run) place.freeUntrained();
      await this.views.strip(0);
    } catch (error) {
      if (core.idlePhase === 'starting') core.idlePhase = 'idle';
      if (error !== controller.signal.reason) place.report(error, 'data');
    } finally {
      this.reading = undefined;
    }
  }

  /** Ends the reading of the user's files: the images stay as they were. Returns what was being read. */
  stopReading(): DataOrder['from'] | undefined {
    this.reading?.controller.abort();
    return this.reading?.from;
  }

  /** Reads the user's files again, with other choices of the page. */
  async readAgain(from = this.given): Promise<void> {
    if (!this.place.core.run && from && isFiles(from)) await this.loadData({ from });
  }

  private async read(from: DataOrder['from'], signal: AbortSignal): Promise<MadeImages> {
    if (from === 'digits') {
      this.came ??= await loadLabelledDigits();
      return { images: this.came, notes: [] };
    }
    if (!isFiles(from)) return { images: from, notes: [] };
    const { size, fit, ink, flip } = this.place.settings;
    const { readOwnImages } = await ownImages();
    return readOwnImages(from, { size, fit, ink, flip }, browserReader, {
      signal,
      progress: (done, total, what) => this.place.post({ type: 'reading', done, total, what }),
    });
  }

  /** The run that goes on from a checkpoint, on the images that it was trained on. `id`: the browser keeps it under this name. */
  async oldRun(checkpoint: Uint8Array<ArrayBuffer>, id: string | undefined): Promise<TrainingRun> {
    const { place } = this;
    const name = id === undefined ? 'The checkpoint' : 'The run';
    const saved = loadCheckpoint(checkpoint, name);
    const settings = settingsOf(saved, name);
    place.core.phase('loading');
    if (id !== undefined) await this.findImages(id, saved);
    if (!place.images) await this.loadData(digits);
    const begun = { ...place.settings, ...settings };
    const { train: images } = place.imagesOf(begun);
    const { binarize, dropLast, maxSteps, scheduleChanges } = saved.settings;
    const end = isPlanned(saved.training) ? { maxSteps, scheduleChanges } : {};
    const options = { images, settings: { ...place.savedSettings(begun), binarize, dropLast, ...end } };
    const run = TrainingRun.resume(checkpoint, options, name);
    checkLabels(images, saved.config);
    place.settings = begun;
    place.begun = begun;
    place.freeUntrained();
    const { losses, note } = saved;
    place.post({ type: 'resumed', kept: id !== undefined, id, settings, losses, note });
    place.tellBegun(samplingFor(saved));
    place.planning.resume(run, saved.training);
    return run;
  }

  /** Loads the images of a kept run. Throws `data` for a run whose images are not there. */
  private async findImages(id: string, saved: Checkpoint): Promise<void> {
    const { place } = this;
    if (isDataOf(saved, place.images)) return;
    const own = saved.settings.source === 'mnist' ? digits : undefined;
    const known = (await this.keptImages(id, saved)) ?? own;
    if (known) await this.loadData(known);
    if (isDataOf(saved, place.images)) return;
    place.post({ type: 'needsData', id });
    throw new EngineError('data', 'These are not the images that the run trains on.');
  }

  /** Keeps the user's images with the run, which the browser keeps under this name. Resolves to why it does not, if it cannot. */
  async keepImages(id: string): Promise<string | undefined> {
    const { core, images } = this.place;
    if (!core.run || !images || typeof this.given === 'string') return undefined;
    try {
      await this.kept.write(id, images);
      return undefined;
    } catch (error) {
      const { name, message } = error as Error;
      const why = name === 'QuotaExceededError' ? 'There is no room left for this page.' : message;
      return `This browser keeps the run without its ${megabytes(images.images.length)} of images, and asks for them when it goes on. ${why}`;
    }
  }

  /** Deletes the images of runs that the browser keeps no more. */
  async tidyImages(): Promise<void> {
    // Where the browser keeps nothing, nothing is to be deleted.
    await this.kept.tidy().catch(() => {});
  }

  private async keptImages(id: string, checkpoint: Checkpoint): Promise<DataOrder | undefined> {
    try {
      const from = await inTime(this.kept.read(id, (images) => isDataOf(checkpoint, images)));
      return from && { from };
    } catch {
      // As if they were not kept: the page asks for them.
      return undefined;
    }
  }
}

/** Whether these are the images of the checkpoint's run. */
function isDataOf(checkpoint: Checkpoint, images: ImageSet | undefined): boolean {
  const asked = settingsOf(checkpoint, 'The run');
  try {
    assertSameData(checkpoint.data, fingerprintImages(imagesOf(images, asked).train));
    return true;
  } catch {
    return false;
  }
}
