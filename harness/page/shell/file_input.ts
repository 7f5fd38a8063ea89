/** Files that the user chooses or drops: images to train on, models and checkpoints, bench results to look at. */
import type { App } from './app';
import { anyElement, button, byId } from './dom';
import { dropped } from './dropped';
import { isOwn, type OwnFile, ownImages } from './own_images';

export interface Sorted {
  /** Models and checkpoints: only their contents differ. */
  readonly models: readonly File[];
  /** Results of the bench. */
  readonly results: readonly File[];
  readonly images: readonly File[];
  /** The labels of the images, in the same order. */
  readonly labels: readonly File[];
}

export function sortFiles(files: readonly File[]): Sorted {
  const isModel = (file: File) => file.name.endsWith('.safetensors');
  const isLabels = (file: File) => /[-.]labels[-.]idx1-ubyte/.test(file.name);
  const isResult = (file: File) => file.name.endsWith('.json');
  const others = files.filter((file) => !isModel(file) && !isResult(file));
  return {
    models: files.filter(isModel),
    results: files.filter(isResult),
    images: others.filter((file) => !isLabels(file)).sort(trainingFirst),
    labels: others.filter(isLabels).sort(trainingFirst),
  };
}

/** The order in which the command line merges a folder: training sets before test sets, otherwise by name. */
function trainingFirst(a: File, b: File): number {
  const isTest = (file: File) => Number(file.name.startsWith('t10k'));
  return isTest(a) - isTest(b) || (a.name < b.name ? -1 : 1);
}

/** The message about a folder that contains no file for this page; undefined if it contains one. */
export function folderWithoutImages(given: readonly OwnFile[]): string | undefined {
  const known = (each: OwnFile) => isOwn(each) || /idx[13]-ubyte|\.(safetensors|json)$/.test(each.file.name);
  if (given.length > 0 && (given.some(({ folder }) => folder === '') || given.some(known))) return undefined;
  const name = given.length > 0 ? `The folder ${given[0].folder}` : 'The folder';
  return `${name} holds no images: PNG files, best in folders named after their classes, .npy or IDX.`;
}

/** `openResults` gets results of the bench. */
export function connectFiles(app: App, openResults: (files: readonly File[]) => void): void {
  const underWay = 'A run is under way. Reset it to train on other images.';
  const takeOwn = async (files: readonly OwnFile[]) => {
    if (app.state.run) app.complain(underWay);
    else app.send('data', { checkpoint: false, ...(await ownImages(files)) });
  };
  const take = (given: readonly OwnFile[]) => {
    app.forgive();
    const own = given.filter(isOwn);
    const barren = folderWithoutImages(given);
    if (barren) app.complain(barren);
    else if (own.length > 0) takeOwn(own).catch((error) => app.complain(error.message));
    else takeFiles(given.map(({ file }) => file));
  };
  const takeFiles = (files: readonly File[]) => {
    const { models, results, images, labels } = sortFiles(files);
    if (results.length > 0) {
      app.set('task', 'bench');
      openResults(results);
    }
    if (models.length > 1) app.complain('Open one model or checkpoint at a time.');
    else if (images.length === 0 && models.length === 0 && labels.length > 0) {
      app.complain(`${labels[0].name} holds labels. Choose or drop it together with its images.`);
    } else if (images.length > 0 && app.state.run) {
      app.complain(underWay);
    } else {
      // Send the images first, so that a checkpoint finds its data.
      const checkpoint = models.length > 0;
      if (images.length > 0) app.send('data', { files: images, labels, checkpoint });
      if (models.length > 0) app.send('model', models[0]);
    }
  };

  for (const id of ['files', 'checkpoint-file', 'model-file', 'bench-files']) {
    const input = byId(id, HTMLInputElement);
    input.addEventListener('change', () => {
      take([...(input.files ?? [])].map((file) => ({ file, folder: '' })));
      // Reset, so that the same file can be chosen again.
      input.value = '';
    });
  }
  for (const letters of [false, true]) {
    button(letters ? 'use-letters' : 'use-digits').addEventListener('click', () =>
      app.send('data', { files: [], labels: [], checkpoint: false, letters }),
    );
  }

  const veil = anyElement('drop');
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
  addEventListener('dragenter', (event) => {
    if (hasFiles(event)) veil.hidden = false;
  });
  addEventListener('dragover', (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  addEventListener('dragleave', (event) => {
    // When the pointer moves between elements, relatedTarget is the next element; when it leaves the page, it is null.
    if (event.relatedTarget === null) veil.hidden = true;
  });
  addEventListener('drop', (event) => {
    veil.hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    dropped(event.dataTransfer!)
      .then(take)
      .catch((error) => app.complain(`What was dropped cannot be read: ${error.message}`));
  });
}
