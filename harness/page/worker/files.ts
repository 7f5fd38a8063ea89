/** Loads and saves images, models, checkpoints, and runs that the browser keeps, in the training worker. */
import { EngineError, type ImageSet, samplingFor } from '../../../src';
import { inTime } from '../../../src/base/time';
import type { Folder } from '../../../src/keeping/folder';
import { type Checkpoint, loadCheckpoint } from '../../../src/weights/checkpoint';
import { assertSameData, fingerprintImages } from '../../../src/weights/fingerprint';
import { loadModel } from '../../../src/weights/model';
import { decodeSafetensors } from '../../../src/weights/safetensors';
import type { OwnFile } from '../../pictures/own_images';
import type { MadeImages } from '../../pictures/small_pictures';
import { isPlanned } from '../../run/plan';
import { megabytes } from '../../text/units';
import { type ComesAlong, type DataOrder, type Noted, UNDER_WAY } from '../messages/calls';
import { areOwn } from '../messages/fine_tune';
import type { ModelDescription } from '../messages/messages';
import { type Beginning, recipeOf, settingsOf } from '../messages/settings';
import { TrainingRun } from './door';
import { browserReader, loadLabelledDigits, loadLetters } from './image_sources';
import { KeptImages } from './kept_images';
import { checkLabels, classesOf, imagesOf, pretrained, type Workplace } from './place';
import type { Views } from './views';

export const digits: DataOrder = { from: 'digits' };
/** What comes with the page, by the source that checkpoints name. */
const COMES_ALONG: Readonly<Record<string, DataOrder>> = { mnist: digits, letters: { from: 'letters' } };

/** Reads the user's own images: it comes with the first of them. */
const ownImages = () => import('../../pictures/own_images');
const arePictures = async (files: readonly OwnFile[]) => {
  const { kindOf } = await ownImages();
  return files.some((file) => kindOf(file) === 'picture');
};
const isFiles = (from: DataOrder['from']): from is readonly OwnFile[] => Array.isArray(from);

export class Files {
  /** A run that the browser keeps, which waits for its images. */
  awaiting: ({ readonly id: string } & Noted) | undefined;
  /** What the images were made from. */
  private given: DataOrder['from'] | undefined;
  /** Some of the user's pictures have transparent parts. */
  private clear = false;
  private reading: { readonly from: DataOrder['from']; readonly controller: AbortController } | undefined;
  /** What was fetched is not fetched again. */
  private readonly came = new Map<ComesAlong, ImageSet>();
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
    if (!order.goesOn) this.awaiting = undefined;
    await this.loadData(order);
  }

  async loadData({ from, goesOn = false }: DataOrder): Promise<void> {
    const { place } = this;
    const { core } = place;
    core.phase('loading');
    const controller = new AbortController();
    this.reading = { from, controller };
    try {
      const { images, ink, clear = false, cut = 0, own, notes } = await this.read(from, controller.signal);
      this.given = from;
      this.clear = clear;
      place.images = images;
      const { count, height, width, channels, classNames, name = '' } = images;
      const [builtIn, letters] = [from === 'digits', from === 'letters'];
      place.source = builtIn ? 'mnist' : letters ? 'letters' : name;
      const pictures = isFiles(from) && (await arePictures(from));
      const classes = classesOf(images);
      const size = { count, height, width, channels };
      const data = { name, builtIn, letters, pictures, ink, cut, own, notes, ...size, classes, classNames };
      place.data = data;
      // A run on such images begins with it: it is there by the press.
      if (data.channels === 3 && areOwn(data)) void pretrained.pictures().catch(() => {});
      place.post({ type: 'data', data });
      core.idlePhase = 'idle';
      if (this.awaiting && goesOn) await this.goOn(this.awaiting.id, this.awaiting);
      else {
        if (!core.run) place.freeUntrained();
        await this.views.strip(0);
      }
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
    if (!this.place.core.run && from && isFiles(from)) await this.loadData({ from, goesOn: true });
  }

  private async read(from: DataOrder['from'], signal: AbortSignal): Promise<MadeImages> {
    if (from === 'digits' || from === 'letters') {
      const images =
        this.came.get(from) ?? (await (from === 'digits' ? loadLabelledDigits() : loadLetters()));
      this.came.set(from, images);
      return { images, notes: [] };
    }
    if (!isFiles(from)) return { images: from, notes: [] };
    const { size, fit, ink, flip } = this.place.settings;
    const { readOwnImages } = await ownImages();
    return readOwnImages(from, { size, fit, ink, flip }, browserReader, {
      signal,
      progress: (done, total, what) => this.place.post({ type: 'reading', done, total, what }),
    });
  }

  /** Opens a checkpoint to continue its run, or a model to make samples. */
  async openFile(file: File): Promise<void> {
    this.place.core.phase('loading');
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      if (decodeSafetensors(bytes, file.name).metadata.kind === 'checkpoint')
        await this.resume(bytes, file.name);
      else this.place.post({ type: 'model', ...(await this.takeModel(bytes, file.name)) });
    } catch (error) {
      this.place.report(error, 'data');
    }
  }

  /** Goes on with a run that the browser keeps, with the images that it was trained on. */
  async goOn(id: string, { drawings, begin }: Noted): Promise<void> {
    const { place } = this;
    const { core } = place;
    if (core.run) return;
    core.phase('loading');
    const asked = this.awaiting?.id === id;
    this.awaiting = undefined;
    try {
      const { bytes, checkpoint } = await core.stored.take(id);
      try {
        if (!isDataOf(checkpoint, place.images)) {
          const kept = await this.keptImages(id, checkpoint);
          const known = kept ?? COMES_ALONG[checkpoint.settings.source ?? ''] ?? drawings;
          if (known) await this.loadData(known);
        }
        if (isDataOf(checkpoint, place.images)) await this.resume(bytes, 'The run', { id, begin });
        else {
          this.awaiting = { id, begin };
          place.post({ type: 'needsData', id });
          if (asked) throw new EngineError('data', this.notTheImages(checkpoint));
        }
      } finally {
        if (!core.run) void core.stored.end().catch((error) => place.report(error, 'data'));
      }
      if (core.idlePhase === 'paused') core.train();
    } catch (error) {
      place.report(error, 'data');
    }
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

  private notTheImages(checkpoint: Checkpoint): string {
    const not = 'These are not the images that the run trains on.';
    if (!this.clear || !isDataOf(checkpoint, this.place.images, false)) return not;
    return `${not} If they are made of the same files: earlier versions of the page read pictures with transparent parts in another way, and a run that one of them began on such pictures cannot go on. Discard it, and begin a new one.`;
  }

  /** Opens a model file; its network replaces the file network opened before. */
  async takeModel(bytes: Uint8Array, name: string): Promise<{ model: ModelDescription; note?: string }> {
    const { core } = this.place;
    const model = loadModel(bytes, name);
    await core.samplers.load('model', model, await core.device());
    const { height, width, channels, outChannels = channels, conditioning } = model.config;
    const { classes = 0 } = conditioning ?? {};
    const { classNames } = model.data ?? {};
    const size = { height, width, channels: outChannels };
    const about = {
      name,
      recipe: recipeOf(model),
      classes,
      classNames,
      data: model.data?.name,
      ...size,
      sampling: samplingFor(model),
    };
    return { model: about, note: model.note };
  }

  /** `kept`: the browser keeps the run under this name. */
  private async resume(
    bytes: Uint8Array<ArrayBuffer>,
    name: string,
    kept?: { readonly id: string; readonly begin: Beginning | undefined },
  ): Promise<void> {
    const { place, views } = this;
    const { core } = place;
    if (core.run) {
      throw new EngineError(
        'argument',
        `A run is in progress, and ${name} would replace it. To keep it, save its checkpoint. Then reset it, and open ${name} again.`,
      );
    }
    const saved = loadCheckpoint(bytes, name);
    const settings = settingsOf(saved, name);
    if (!place.images) await this.loadData(digits);
    const begun = { ...place.settings, ...settings };
    const { train: images } = place.imagesOf(begun);
    const { binarize, dropLast, maxSteps, scheduleChanges } = saved.settings;
    const end = isPlanned(saved.training) ? { maxSteps, scheduleChanges } : {};
    const options = { images, settings: { ...place.savedSettings(begun), binarize, dropLast, ...end } };
    const run = TrainingRun.resume(bytes, options, name);
    checkLabels(images, saved.config);
    place.settings = begun;
    place.begun = begun;
    place.began = kept?.begin;
    place.freeUntrained();
    const { losses, note } = saved;
    const id = kept?.id;
    place.post({ type: 'resumed', name, kept: id !== undefined, id, settings, losses, note });
    place.tellBegun(samplingFor(saved));
    this.awaiting = undefined;
    place.planning.resume(run, saved.training);
    await core.open(run);
    await views.strip(run.losses.length);
    await views.grid(run.losses.length);
  }
}

/** Whether these are the images of the checkpoint's run; `exactly: false`: the same number of the same size. */
function isDataOf(checkpoint: Checkpoint, images: ImageSet | undefined, exactly = true): boolean {
  const { data } = checkpoint;
  const asked = settingsOf(checkpoint, 'The run');
  try {
    const now = fingerprintImages(imagesOf(images, asked).train);
    assertSameData(data, exactly ? now : { ...now, fnv1a: data.fnv1a });
    return true;
  } catch {
    return false;
  }
}
