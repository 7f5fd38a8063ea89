/** Files that people choose or drop: IDX to train on, models and checkpoints, results of the bench to compare. */
import type { App } from './app';
import { anyElement, button, byId } from './dom';

export interface Sorted {
  /** And checkpoints: only what is in them tells one from the other. */
  readonly models: readonly File[];
  /** Of the bench. */
  readonly results: readonly File[];
  readonly images: readonly File[];
  /** Of the images, in the same order. */
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

/** The order in which the command line merges a folder: training sets before test sets, by name otherwise. */
function trainingFirst(a: File, b: File): number {
  const isTest = (file: File) => Number(file.name.startsWith('t10k'));
  return isTest(a) - isTest(b) || (a.name < b.name ? -1 : 1);
}

/** `compare` takes results of the bench. */
export function connectFiles(app: App, compare: (files: readonly File[]) => void): void {
  const take = (files: readonly File[]) => {
    app.forgive();
    const { models, results, images, labels } = sortFiles(files);
    if (results.length > 0) {
      app.set('task', 'bench');
      compare(results);
    }
    if (models.length > 1) app.complain('Open one model or checkpoint at a time.');
    else if (images.length === 0 && models.length === 0 && labels.length > 0) {
      app.complain(`${labels[0].name} holds labels. Choose or drop it together with its images.`);
    } else if (images.length > 0 && app.state.run) {
      app.complain('A run is under way. Reset it to train on other images.');
    } else {
      // A checkpoint that comes with its images finds them there.
      const checkpoint = models.length > 0;
      if (images.length > 0) app.send({ type: 'data', files: images, labels, checkpoint });
      if (models.length > 0) app.send({ type: 'model', file: models[0] });
    }
  };

  for (const id of ['files', 'checkpoint-file', 'model-file', 'bench-files']) {
    const input = byId(id, HTMLInputElement);
    input.addEventListener('change', () => {
      take([...(input.files ?? [])]);
      // So that the same file can be chosen again.
      input.value = '';
    });
  }
  button('use-digits').addEventListener('click', () =>
    app.send({ type: 'data', files: [], labels: [], checkpoint: false }),
  );

  const veil = anyElement('drop');
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
  addEventListener('dragenter', (event) => {
    if (hasFiles(event)) veil.hidden = false;
  });
  addEventListener('dragover', (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  addEventListener('dragleave', (event) => {
    // Between elements the pointer leaves one for another; from the page it leaves for nothing.
    if (event.relatedTarget === null) veil.hidden = true;
  });
  addEventListener('drop', (event) => {
    veil.hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    const { items = [], files = [] } = event.dataTransfer ?? {};
    const entries = [...items].map((item) => item.webkitGetAsEntry());
    const folder = entries.find((entry) => entry?.isDirectory);
    if (folder) app.complain(`${folder.name} is a folder. Drop the files in it.`);
    else take([...files]);
  });
}
