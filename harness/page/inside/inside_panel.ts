/** The Inside view: the network's work on an image layer by layer, its change in a training step, and the shaders. */
import { labelName } from '../../pictures/class_names';
import type { StepStage } from '../../run/step_list';
import { whole } from '../../text/units';
import type {
  InsideAnswer,
  InsideLayer,
  InsideOrder,
  Listed,
  LookChoice,
  Looked,
  NumberOf,
  Stepped,
} from '../messages/inside_messages';
import { eventPatch, isFreed, type WorkerEvent } from '../messages/messages';
import type { App, TaskPanel } from '../shell/app';
import { distilledNote } from '../shell/distil_text';
import { anyElement, button, byId, make, onClick, setHidden, setMessage, setText } from '../shell/dom';
import { connectSources } from '../shell/fields';
import { isReady, networkIn, networkText, taskText } from '../shell/state';
import { DispatchList, type EditShader } from './dispatch_list';
import { NetworkDrawing } from './drawing';
import { kernelMaps, numberText, PartView, type Pixel } from './part_view';
import type { PixelView } from './pixel_view';
import { largest, largestValue, meanMap, onScheme, overall, paintMaps, pictureMaps } from './shades';
import { SlowMotion } from './slow_motion';

/** Minimum number of images and milliseconds between two looks into the network during training: each look costs the step under way. */
const AGAIN_IMAGES = 2048;
const AGAIN_MS = 3000;

/** The desk at which shaders are edited. */
interface Desk {
  readonly open: EditShader;
  /** The dispatches were listed anew. */
  listed(listed: Listed): void;
}

export const createInsidePanel = (app: App, desk: Desk): TaskPanel => new InsidePanel(app, desk);

class InsidePanel implements TaskPanel {
  readonly tasks = ['inside'] as const;
  private readonly app: App;
  private readonly level = byId('inside-level', HTMLInputElement);
  private readonly label = byId('inside-label', HTMLSelectElement);
  private readonly list = byId('inside-list', HTMLDetailsElement);
  private readonly partView = new PartView((pixel) => this.openPixel(pixel));
  private pixel: Pixel | undefined;
  private pixelView: Promise<PixelView> | undefined;
  private readonly desk: Desk;
  private readonly dispatches: DispatchList;
  private readonly drawing: NetworkDrawing;
  private readonly slow: SlowMotion;
  private readonly renderSources: ReturnType<typeof connectSources>;

  private choice = 7;
  /** The layer that is open. */
  private open = '';
  private looked: Looked | undefined;
  /** Steps of the run at the last look. */
  private lookedAt = 0;
  /** `network` then; '' if that is gone. */
  private lookedNetwork = '';
  private stepped: Stepped | undefined;
  /** The stage of the step that the drawing shows; undefined: it shows the picture. */
  private stage: StepStage | undefined;

  /** The order that the worker has not answered yet. */
  private waiting: 'look' | 'step' | 'list' | undefined;
  /** `network` when a step was asked for that is not ordered yet; '' if none is. */
  private wished = '';
  private timing = false;
  /** Aborts the orders to the worker. */
  private orders = new AbortController();
  private problem = '';
  /** Key, steps and time of the last look that was ordered, and the layer of the last pixel. */
  private asked = { key: '', layer: '', steps: 0, at: 0 };
  private listedFor = '';

  constructor(app: App, desk: Desk) {
    this.app = app;
    this.desk = desk;
    this.dispatches = new DispatchList(this.desk.open);
    this.drawing = new NetworkDrawing(anyElement('inside-net'), (name) => {
      this.pixel = undefined;
      this.openPart(name);
    });
    this.slow = new SlowMotion({
      make: () => {
        if (this.waiting !== 'step') this.wished = this.network;
        app.changed();
      },
      show: (stage, lit) => {
        this.stage = stage;
        this.drawing.light(lit);
        this.showMaps(lit);
      },
    });
    this.renderSources = connectSources(app, 'inside');
    this.connect();
    onScheme(() => this.showAll());
  }

  start(): void {
    this.ask('look');
  }

  receive(event: WorkerEvent): void {
    const { timed } = eventPatch(event);
    if (timed) this.dispatches.time(timed.index, timed.ms);
    // Open orders get no answer any more.
    else if (event.type === 'lost' || isFreed(event)) {
      this.orders.abort();
      this.orders = new AbortController();
      this.waiting = undefined;
      this.wished = '';
      this.timing = false;
      this.asked = { key: '', layer: '', steps: 0, at: 0 };
      this.listedFor = '';
      // Another run may have layers of the same names.
      if (isFreed(event)) this.lookedNetwork = '';
    }
  }

  render(): void {
    const { app, level, looked } = this;
    setText('inside-level-value', `${level.value} %`);
    this.renderSources(app.lookedInto);
    const { model, run } = app.state;
    // A choice where there is one.
    setHidden('inside-source', !run && !model && app.lookedInto === 'pretrained');
    anyElement('panel-inside').classList.toggle('nothing', this.problem !== '' && !looked);
    // Do not disable it while busy: keyboard users would lose focus.
    button('slow-make').disabled = !looked;
    setText('dispatches-time', this.timing ? 'Stop' : 'Time them');
    setText('inside-status', this.status());
    anyElement('inside-status').parentElement!.classList.toggle('busy', this.waiting !== undefined);
    setMessage('inside-error', this.problem);
    this.lookIfNew();
    this.stepIfWished();
    this.listIfNew();
  }

  // ---------------------------------------------------------------- orders

  private connect(): void {
    const { app } = this;
    this.level.addEventListener('input', () => app.changed());
    this.label.addEventListener('change', () => app.changed());
    this.list.addEventListener('toggle', () => app.changed());
    anyElement('inside-choices').addEventListener('click', ({ target }) => {
      const chosen = (target as Element).closest('button')?.dataset.choice;
      if (chosen === undefined) return;
      this.choice = Number(chosen);
      if (this.looked) showChoices(this.looked, this.choice, this.nameOf);
      app.changed();
    });
    onClick('dispatches-time', () => {
      if (this.timing) app.send('stopTiming');
      else if (!this.waiting && this.ready) {
        this.timing = true;
        void this.order({ kind: 'time', source: app.lookedInto });
      }
      app.changed();
    });
  }

  private get ready(): boolean {
    const { measuring, state } = this.app;
    return !measuring && isReady(state);
  }

  /** Names the network that is looked into. A step in slow motion is of one network alone. */
  private get network(): string {
    const { lookedInto, settings, replacements } = this.app;
    return JSON.stringify([lookedInto, settings.recipe, settings.widths, replacements]);
  }

  private get picture(): LookChoice {
    const { choice, label, looked } = this;
    return {
      source: this.app.lookedInto,
      choice,
      level: Number(this.level.value) / 100,
      label: label.value === '' ? (looked?.labels[choice] ?? choice) : Number(label.value),
    };
  }

  /** The name of a class of the network that is looked into. */
  private readonly nameOf = (label: number): string => {
    const { lookedInto, state, settings } = this.app;
    return labelName(label, networkIn(lookedInto, state, settings).classNames);
  };

  private ask(kind: 'look' | 'step' | 'list'): void {
    const { app, picture } = this;
    if (this.waiting || !this.ready) return;
    this.waiting = kind;
    const { source } = picture;
    const layer = this.pixel && this.open;
    void this.order(kind === 'list' ? { kind, source } : { kind, picture, ...(layer ? { layer } : {}) });
    app.changed();
  }

  private async order(order: InsideOrder): Promise<void> {
    const { signal } = this.orders;
    const { network } = this;
    const failed = ({ message }: Error) => ({ kind: 'failed', order: order.kind, message }) as const;
    const answer = await this.app.ask('inside', order, signal).catch(failed);
    // If another network was chosen meanwhile, the answer may be about either.
    if (!signal.aborted) this.take(answer, network === this.network ? network : '');
  }

  /** Orders a look if the choices have changed, or if the network has learned since the last one. */
  private lookIfNew(): void {
    const { asked } = this;
    const { state, lookedInto: source, settings } = this.app;
    const steps = source === 'run' ? state.losses.length : 0;
    const layer = this.pixel ? this.open : asked.layer;
    const key = JSON.stringify([this.picture, this.network, layer]);
    const images = (steps - asked.steps) * settings.batch;
    const due = images >= AGAIN_IMAGES && performance.now() - asked.at > AGAIN_MS;
    const learned = steps !== asked.steps && (due || !state.training);
    if (this.waiting || !this.ready || (key === asked.key && !learned)) return;
    this.asked = { key, layer, steps, at: performance.now() };
    this.ask('look');
  }

  /** Orders the step that was asked for, after a look that is under way. */
  private stepIfWished(): void {
    const { network, lookedNetwork } = this;
    if (this.wished !== network) this.wished = '';
    if (!this.wished || this.waiting || !this.ready) return;
    // A step is shown over a look at the same network, and the last one may have failed.
    const isLookedAt = network === lookedNetwork;
    if (isLookedAt) this.wished = '';
    this.ask(isLookedAt ? 'step' : 'look');
  }

  /** Lists the dispatches once the list is open, and again for another step. */
  private listIfNew(): void {
    const { lookedInto: source, settings, state, replacements } = this.app;
    const wanted = `${source} ${settings.recipe} ${settings.batch} ${state.run !== undefined} ${replacements}`;
    if (!this.list.open || !this.looked || this.listedFor === wanted || this.waiting || !this.ready) return;
    this.listedFor = wanted;
    this.ask('list');
  }

  private take(answer: InsideAnswer, network: string): void {
    if (answer.kind === 'timedAll' || (answer.kind === 'failed' && answer.order === 'time'))
      this.timing = false;
    else this.waiting = undefined;
    this.problem = answer.kind === 'failed' ? answer.message : '';
    if (answer.kind === 'failed' && answer.order === 'look') this.wished = '';
    if (answer.kind === 'failed' && answer.order === 'list') {
      // Opened again, it asks again.
      this.listedFor = '';
      this.list.open = false;
    }
    if (answer.kind === 'looked') this.takeLook(answer, network);
    else if (answer.kind === 'stepped' && network) {
      this.stepped = answer;
      this.slow.take(answer, this.looked);
      this.showPart();
      this.showNorms();
    } else if (answer.kind === 'listed') {
      this.dispatches.show(answer);
      this.desk.listed(answer);
    } else if (answer.kind === 'timedAll') this.dispatches.timed(answer.clock);
    this.app.changed();
  }

  private takeLook(answer: Looked, network: string): void {
    const isSamePicture = JSON.stringify(answer.picture) === JSON.stringify(this.looked?.picture);
    const same = isSamePicture && network !== '' && network === this.lookedNetwork;
    this.lookedNetwork = network;
    this.looked = answer;
    this.lookedAt = this.app.state.losses.length;
    fillLabels(answer, this.label, this.nameOf);
    if (!same && this.stepped) {
      this.stepped = undefined;
      this.slow.take(undefined, answer);
    }
    this.showAll();
  }

  private status(): string {
    const { app, waiting, looked, lookedAt } = this;
    const { preparing, phase, model } = app.state;
    if (waiting === 'step' || (waiting && !looked)) {
      const doing = waiting === 'step' ? 'Making a step' : 'Running the network';
      if (preparing?.kernel) return `${doing}. ${taskText({ ...app.state, phase: 'compiling' })}`;
      const compiling =
        preparing?.task === 'compiling' ? `: shader ${preparing.done} of ${preparing.total}` : '';
      return `${doing}${compiling}`;
    }
    if (phase === 'starting' || phase === 'loading') return 'Starting';
    if (app.measuring) return `The ${app.measuring} has the GPU`;
    if (!looked) return 'Nothing to look at yet';
    const { source } = looked.picture;
    const note = source === 'pretrained' && app.source === 'file' && distilledNote(model);
    return `${note ? `${note}. ` : ''}${networkText(source, app.state, lookedAt)}`;
  }

  // ---------------------------------------------------------------- what is shown

  private showAll(): void {
    const { looked } = this;
    if (!looked) return;
    setHidden('inside-views', false);
    this.choice = Math.min(this.choice, looked.labels.length - 1);
    showChoices(looked, this.choice, this.nameOf);
    this.drawing.of(looked.layers);
    if (!looked.layers.some(({ name }) => name === this.open)) this.open = firstOf(looked.layers).name;
    this.drawing.select(this.open);
    this.showMaps();
    this.showPart();
    this.showKernels(looked);
    this.showNorms();
    this.slow.draw();
  }

  /** Shows maps of the picture, or of the step's stage. `lit`: the layers that the backward pass has reached. */
  private showMaps(lit?: ReadonlySet<string>): void {
    const { looked, drawing, stage } = this;
    if (!looked) return;
    const { layers } = looked;
    const step = stage && this.stepped;
    drawing.show('noisy', pictureMaps((step ?? looked).noisy, looked), 1);
    if (step) drawing.show('prediction', meanMap(step.output, looked), largest(step.target));
    else drawing.show('prediction', pictureMaps(looked.prediction, looked), 1);
    const backward = step && stage === 'backward';
    for (const { name, height, width, isConditioning } of layers) {
      if (backward && lit && !lit.has(name)) continue;
      const values = (backward ? step.gradients : (step ?? looked).activations)[name];
      const maps = isConditioning ? squareOf(values) : overall(values, height, width);
      drawing.show(name, maps, largestValue(maps));
    }
  }

  private showPart(): void {
    const { looked, stepped, open } = this;
    if (!looked) return;
    const layer = looked.layers.find(({ name }) => name === open)!;
    this.partView.show({
      layer,
      maps: {
        activation: looked.activations[open],
        preActivation: layer.activation === 'swish' ? looked.preActivations[open] : undefined,
        gradient: stepped?.gradients[open],
      },
      kernels: layer === firstOf(looked.layers) ? looked.kernels : undefined,
    });
    this.showPixel();
  }

  // ---------------------------------------------------------------- one pixel

  private openPart(name: string): void {
    this.open = name;
    this.drawing.select(name);
    this.showPart();
  }

  private openPixel(pixel: Pixel): void {
    this.pixel = pixel;
    this.showPixel();
    // Its layer's numbers may have to be looked up first.
    this.app.changed();
  }

  private showPixel(): void {
    const { pixel, looked, open } = this;
    const box = anyElement('pixel');
    box.hidden = !pixel;
    this.partView.mark(pixel);
    if (!pixel || !looked) return;
    const { arithmetic } = looked;
    box.classList.toggle('waiting', arithmetic?.layer !== open);
    if (arithmetic?.layer !== open) {
      setText('pixel-about', 'Reading the numbers of the layer');
      return;
    }
    this.pixelView ??= import('./pixel_view').then(
      ({ PixelView }) =>
        new PixelView({
          go: (layer, { y, x, map }) => {
            this.pixel = { y, x };
            this.openPart(layer);
            this.partView.choose(map);
          },
          close: () => {
            this.pixel = undefined;
            this.showPixel();
            button('part-pixel').focus();
          },
        }),
    );
    const place = { ...pixel, map: this.partView.map };
    this.pixelView
      .then((view) => view.show({ looked: { ...looked, arithmetic }, place }))
      .catch((error: Error) => {
        this.pixelView = undefined;
        setText('pixel-about', `This cannot be shown: ${error.message}`);
      });
  }

  private showKernels({ layers, kernels }: Looked): void {
    const first = firstOf(layers);
    const canvas = byId('inside-kernels', HTMLCanvasElement);
    const maps = kernelMaps(kernels, first, 8);
    paintMaps(canvas, maps, largestValue(maps));
    setHidden('kernels-sum', first.inChannels === 1);
    const size = `${first.kernelSize}×${first.kernelSize}`;
    canvas.ariaLabel = `The ${whole(first.outChannels)} kernels of ${first.name}, ${size} weights each; the largest is ${numberText(largestValue(maps))}`;
  }

  private showNorms(): void {
    const { looked, stepped, lookedAt } = this;
    const norms = stepped?.gradientNorms ?? looked?.gradientNorms;
    setHidden('inside-norms-box', !norms);
    if (!norms) return;
    // A run that goes on has no gradient of its step before.
    const isKnown = Object.keys(norms).length > 0;
    const of = stepped ? 'of the step in slow motion' : `of step ${whole(lookedAt)}`;
    setText('inside-norms-of', isKnown ? of : 'not known until the next step');
    showNorms(norms);
  }
}

// ---------------------------------------------------------------- its smaller parts

const firstOf = (layers: readonly InsideLayer[]) => layers.find(({ isConditioning }) => !isConditioning)!;

/** Values without place, in a square. */
function squareOf(values: Float32Array) {
  const side = Math.ceil(Math.sqrt(values.length));
  const value = (_: number, y: number, x: number) => values[y * side + x] ?? 0;
  return { height: side, width: side, count: 1, columns: 1, value };
}

/** The images to choose from, as buttons. */
function showChoices(looked: Looked, chosen: number, nameOfLabel: (label: number) => string): void {
  const box = anyElement('inside-choices');
  const { choices, labels, classes } = looked;
  const size = choices.length / labels.length;
  labels.forEach((label, i) => {
    const button = box.children[i] ?? box.appendChild(make('button', { type: 'button' }, make('canvas')));
    const choose = button as HTMLButtonElement;
    choose.dataset.choice = String(i);
    choose.ariaLabel = label === undefined ? `image ${i + 1}` : `a ${nameOfLabel(label)}`;
    choose.ariaPressed = String(i === chosen);
    paintMaps(
      choose.firstChild as HTMLCanvasElement,
      pictureMaps(choices.subarray(i * size, (i + 1) * size), looked),
      1,
    );
  });
  while (box.children.length > labels.length) box.lastChild!.remove();
  const more = anyElement('inside-choices-more');
  more.hidden = labels[0] === undefined || classes <= labels.length;
  setText(more, `One image each of ${labels.length} of the ${classes} classes.`);
}

/** Fills in the class labels that the network knows; an empty value means the image's own. */
function fillLabels(
  { classes }: Looked,
  select: HTMLSelectElement,
  nameOfLabel: (label: number) => string,
): void {
  select.closest<HTMLElement>('.field')!.hidden = classes === 0;
  const names = Array.from({ length: classes }, (_, label) => nameOfLabel(label));
  const texts = ['its own', ...names, 'none'];
  if (texts.join('\n') === [...select.options].map(({ text }) => text).join('\n')) return;
  const values = ['', ...names.map((_, label) => label), classes];
  select.replaceChildren(...texts.map((text, i) => new Option(text, String(values[i]))));
}

/** The norm of each layer's gradient as bars. */
function showNorms(norms: NumberOf): void {
  const most = Math.max(...Object.values(norms));
  anyElement('inside-norms').replaceChildren(
    ...Object.entries(norms).map(([name, norm]) => {
      const bar = make('span', { className: 'norm-bar' });
      bar.style.width = `${most > 0 ? (100 * norm) / most : 0}%`;
      const track = make('dd', { className: 'norm' }, bar, make('span', {}, numberText(norm)));
      return make('div', {}, make('dt', {}, name), track);
    }),
  );
}
