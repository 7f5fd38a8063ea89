/** Files that the user chooses or drops: images to train on, models and checkpoints. Beside them the faces of the device, as images to train on. */
import { EngineError } from '../../../src/base/errors';
import { decodeSafetensors } from '../../../src/weights/safetensors';
import { fileKind, type OwnFile } from '../../pictures/own_images';
import { UNDER_WAY } from '../messages/calls';
import type { App, Panel } from './app';
import { anyElement, byId, onClick, setDisabled, setHidden, setMessage } from './dom';
import { ofFile } from './format';
import { isFixed } from './state';
import type { TrainingWorker } from './training_worker';

interface Sorted {
  /** Models and checkpoints: only their contents differ. */
  readonly models: readonly OwnFile[];
  /** What may be images; a folder may hold more. */
  readonly images: readonly OwnFile[];
}

export function sortFiles(files: readonly OwnFile[]): Sorted {
  const models = files.filter(({ path }) => path.endsWith('.safetensors'));
  const others = files.filter((file) => !models.includes(file));
  return { models, images: models.length > 0 ? others.filter(fileKind) : others };
}

/** The files of a drop, also in folders. Call this during the drop: its items are gone afterwards. */
function dropped({ items, files }: DataTransfer): Promise<OwnFile[]> {
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (!entries.some((entry) => entry.isDirectory)) return Promise.resolve([...files].map(ownFile));
  return below(entries);
}

const below = async (entries: readonly FileSystemEntry[]): Promise<OwnFile[]> => {
  const found: OwnFile[] = [];
  // One by one: a call does not take an argument for each of 200,000 files.
  for (const entry of entries) for (const file of await filesOf(entry)) found.push(file);
  return found;
};

async function filesOf(entry: FileSystemEntry): Promise<OwnFile[]> {
  const path = entry.fullPath.slice(1);
  if (entry.isFile) {
    const source = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    return [{ path, source }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: OwnFile[] = [];
  for (;;) {
    // A browser gives a hundred or so at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) break;
    found.push(...(await below(some)));
  }
  return found.length > 0 ? found : [{ path: `${path}/`, source: new Blob() }];
}

const ownFile = (file: File): OwnFile => ({ path: file.webkitRelativePath || file.name, source: file });

/** Opens a network, to sample from, or a checkpoint, to go on from. */
async function open(app: App, client: TrainingWorker, file: File): Promise<void> {
  const { name } = file;
  const bytes = new Uint8Array(await file.arrayBuffer());
  const isCheckpoint = decodeSafetensors(bytes, name).metadata.kind === 'checkpoint';
  if (isCheckpoint && isFixed(app.state)) {
    throw new EngineError(
      'argument',
      `A run is in progress, and ${name} would replace it. To keep it, save its checkpoint. Then reset it, and open ${name} again.`,
    );
  }
  app.openedFile = name;
  try {
    await (isCheckpoint ? client.goOn(bytes) : client.read(bytes));
  } catch (error) {
    if (error instanceof Error) error.message = ofFile(error.message, name);
    throw error;
  }
}

export function connectFiles(app: App): void {
  const take = (given: readonly OwnFile[]) => {
    app.forgive();
    const { models, images } = sortFiles(given);
    if (models.length > 1) app.complain('Open one model or checkpoint at a time.');
    else if (images.length > 0 && isFixed(app.state)) app.complain(UNDER_WAY);
    else {
      // Send the images first, so that a checkpoint finds its data.
      if (images.length > 0) app.kept.takeImages(images);
      if (models.length > 0) app.command((client) => open(app, client, models[0].source as File), 'data');
    }
  };

  for (const id of ['files', 'folder', 'checkpoint-file', 'model-file']) {
    const input = byId(id, HTMLInputElement);
    input.addEventListener('change', () => {
      // Not of a choice that is cancelled, whose event has another name.
      if (input.files?.length) take([...input.files].map(ownFile));
      else app.complain('The folder holds no files.');
      // Reset, so that the same file can be chosen again.
      input.value = '';
    });
  }
  onClick('use-digits', () => app.kept.takeImages('digits'));
  onClick('stop-reading', () => app.send('stopReading'));

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

/** Training on the faces of the device: from the welcome at once, on the Train view as images like others. */
export function connectFaces(app: App): Panel {
  /** What keeps the browser from drawing them: undefined until it is known, empty where nothing does. */
  let why: string | undefined;
  let asked = false;
  const take = () => {
    app.forgive();
    if (isFixed(app.state)) app.complain(UNDER_WAY);
    else app.kept.takeImages('faces');
  };
  onClick('use-faces', take);
  onClick('train-faces', () => {
    // Before the view, which would load the digits.
    take();
    app.set('task', 'train');
    if (!isFixed(app.state)) app.startWhenReady('train');
  });
  const ask = async (client: TrainingWorker) => {
    why = (await client.faces()) ?? '';
    app.changed();
  };
  return {
    render() {
      const isOffered = app.home || app.settings.task === 'train';
      if (isOffered && !asked) {
        asked = true;
        app.withoutGpu(ask);
      }
      for (const id of ['use-faces', 'train-faces']) {
        setHidden(id, Boolean(why));
        setDisabled(id, why === undefined || (id === 'use-faces' && isFixed(app.state)));
      }
      for (const id of ['no-faces', 'no-faces-home']) setMessage(id, why || undefined);
    },
  };
}
