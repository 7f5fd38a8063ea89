/** The Inside tab: what the network makes of an image, layer by layer, how a step changes it, and the shaders that do it. */
import type { App, TaskPanel } from './app';
import { anyElement, button, byId, setMessage, setText } from './dom';
import { whole } from './format';
import { DispatchList } from './inside/dispatch_list';
import { Drawing } from './inside/drawing';
import { kernelMaps, number, PartView } from './inside/part_view';
import type { InsideAnswer, InsideLayer, Looked, NumberOf, Picture, Stage, Stepped } from './inside/protocol';
import { channelsOf, largest, largestOf, onScheme, overall, paint, pictureOf } from './inside/shades';
import { SlowMotion } from './inside/slow_motion';
import type { WorkerEvent } from './protocol';
import { PRETRAINED_STEPS } from './recipe_text';

/** While it trains, the network is looked at again after so many steps and milliseconds: each look costs the step under way. */
const AGAIN_STEPS = 8;
const AGAIN_MS = 3000;

export function createInsidePanel(app: App): TaskPanel {
  const level = byId('inside-level', HTMLInputElement);
  const label = byId('inside-label', HTMLSelectElement);
  const list = byId('inside-list', HTMLDetailsElement);
  const partView = new PartView();
  const dispatches = new DispatchList();
  let choice = 7;
  let open = '';
  let looked: Looked | undefined;
  let stepped: Stepped | undefined;
  let stage: Stage | undefined;
  let waiting: InsideAnswer['kind'] | '' = '';
  let timing = false;
  let problem = '';
  /** What the last look was asked for, and when. */
  let asked = { key: '', steps: 0, at: 0 };
  let listedFor = '';

  const drawing = new Drawing(anyElement('inside-net'), (name) => {
    open = name;
    drawing.select(open);
    showPart();
  });
  const slow = new SlowMotion({
    make: () => ask('stepped'),
    show: (now, lit) => {
      stage = now;
      drawing.light(lit);
      showMaps(lit);
    },
  });

  const picture = (): Picture => ({
    source: app.source,
    choice,
    level: Number(level.value) / 100,
    label: label.value === '' ? (looked?.labels[choice] ?? choice) : Number(label.value),
  });
  const ready = () =>
    !app.measuring && ['idle', 'paused', 'finished', 'training', 'lost'].includes(app.state.phase);

  function ask(kind: 'looked' | 'stepped' | 'listed'): void {
    if (waiting || !ready()) return;
    waiting = kind;
    if (kind === 'listed') app.send({ type: 'inside', order: { kind: 'list', source: app.source } });
    else
      app.send({ type: 'inside', order: { kind: kind === 'looked' ? 'look' : 'step', picture: picture() } });
    app.changed();
  }

  /** Looks if what is shown is not what is asked for any more, or the network has learned since. */
  const lookIfNew = () => {
    const { losses, training } = app.state;
    const steps = app.source === 'run' ? losses.length : 0;
    const key = JSON.stringify([picture(), app.settings.recipe, app.state.model?.name, app.state.data?.name]);
    const learned = steps !== asked.steps;
    const due = !training || (steps - asked.steps >= AGAIN_STEPS && performance.now() - asked.at > AGAIN_MS);
    if (waiting || !ready() || (key === asked.key && !(learned && due))) return;
    asked = { key, steps, at: performance.now() };
    ask('looked');
  };

  /** Paints the maps of the drawing: those of the picture, or of the stage of the step. */
  function showMaps(lit?: ReadonlySet<string>): void {
    if (!looked) return;
    const { layers, height, width } = looked;
    const backward = stage === 'backward' && stepped;
    const pictures = stage && stepped ? stepped : looked;
    drawing.show('noisy', pictureOf(pictures.noisy, height, width), 1);
    if (stage && stepped)
      drawing.show('prediction', channelsOf(stepped.output, height, width, 1), largest(stepped.target));
    else drawing.show('prediction', pictureOf(looked.prediction, height, width), 1);
    for (const layer of layers) {
      const { name, height, width } = layer;
      if (backward && lit && !lit.has(name)) continue;
      const values = (backward ? backward.gradients : pictures.activations)[name];
      const maps = layer.told ? squareOf(values) : overall(values, height, width);
      drawing.show(name, maps, largestOf(maps));
    }
  }

  function showPart(): void {
    if (!looked) return;
    const layer = looked.layers.find(({ name }) => name === open)!;
    const first = firstOf(looked.layers);
    partView.show({
      layer,
      maps: {
        activation: looked.activations[open],
        preActivation: layer.activation === 'swish' ? looked.preActivations[open] : undefined,
        gradient: stepped?.gradients[open],
      },
      kernels: layer === first ? looked.kernels : undefined,
    });
  }

  const showKernels = () => {
    if (!looked) return;
    const first = firstOf(looked.layers);
    const canvas = byId('inside-kernels', HTMLCanvasElement);
    paint(canvas, kernelMaps(looked.kernels, first, 8), largest(looked.kernels));
    const k = first.kernelSize;
    canvas.setAttribute(
      'aria-label',
      `The ${whole(first.outChannels)} kernels of ${first.name}, ${k}×${k} weights each; the largest is ${number(largest(looked.kernels))}`,
    );
  };

  const showNorms = () => {
    const norms = stepped?.gradientNorms ?? looked?.gradientNorms;
    anyElement('inside-norms-box').hidden = !norms;
    if (!norms) return;
    setText(
      anyElement('inside-norms-of'),
      stepped ? 'of the step in slow motion' : `of step ${whole(app.state.losses.length)}`,
    );
    showBars(norms);
  };

  const showAll = () => {
    if (!looked) return;
    anyElement('inside-views').hidden = false;
    showChoices(looked, choice);
    drawing.of(looked.layers);
    if (!looked.layers.some(({ name }) => name === open)) open = firstOf(looked.layers).name;
    drawing.select(open);
    showMaps();
    showPart();
    showKernels();
    showNorms();
    slow.draw();
  };

  const take = (answer: InsideAnswer) => {
    if (answer.kind === 'timed') {
      dispatches.time(answer.index, answer.ms);
      return;
    }
    if (answer.kind === 'timedAll' || (answer.kind === 'failed' && answer.order === 'time')) timing = false;
    else waiting = '';
    if (answer.kind === 'timedAll') dispatches.timed(answer.clock);
    problem = answer.kind === 'failed' ? answer.message : '';
    if (answer.kind === 'looked') {
      const same = JSON.stringify(answer.picture) === JSON.stringify(looked?.picture);
      looked = answer;
      fillLabels(answer, label);
      if (!same && stepped) {
        stepped = undefined;
        slow.take(undefined, looked);
      }
      showAll();
    } else if (answer.kind === 'stepped') {
      stepped = answer;
      slow.take(stepped, looked);
      showPart();
      showNorms();
    } else if (answer.kind === 'listed') dispatches.show(answer);
    app.changed();
  };

  level.addEventListener('input', () => app.changed());
  label.addEventListener('change', () => app.changed());
  anyElement('inside-choices').addEventListener('click', ({ target }) => {
    const chosen = (target as Element).closest('button')?.dataset.choice;
    if (chosen === undefined) return;
    choice = Number(chosen);
    if (looked) showChoices(looked, choice);
    app.changed();
  });
  for (const use of ['pretrained', 'run'] as const) {
    button(`inside-${use}`).addEventListener('click', () => {
      app.useFile = false;
      app.set('model', use);
    });
  }
  button('dispatches-time').addEventListener('click', () => {
    if (timing) app.send({ type: 'stopSampling' });
    else if (!waiting && ready()) {
      timing = true;
      app.send({ type: 'inside', order: { kind: 'time', source: app.source } });
    }
    app.changed();
  });
  list.addEventListener('toggle', () => app.changed());
  onScheme(showAll);

  return {
    start: () => ask('looked'),
    receive(event: WorkerEvent) {
      if (event.type === 'inside') take(event.answer);
      // What was asked for is not answered any more.
      else if (event.type === 'lost' || event.type === 'freed') {
        waiting = '';
        timing = false;
        asked = { key: '', steps: 0, at: 0 };
      }
    },
    render() {
      setText(anyElement('inside-level-value'), `${level.value} %`);
      for (const use of ['pretrained', 'run'] as const)
        button(`inside-${use}`).setAttribute('aria-pressed', String(app.source === use));
      // Not while it works: whoever has pressed it by the keyboard would lose their place.
      button('slow-make').disabled = !looked;
      setText(button('dispatches-time'), timing ? 'Stop' : 'Time them');
      setText(anyElement('inside-status'), statusText(app, waiting, looked));
      anyElement('inside-status').parentElement!.classList.toggle('busy', waiting !== '');
      setMessage(anyElement('inside-error'), problem);
      if (app.settings.task !== 'inside' || document.hidden) return;
      lookIfNew();
      const wanted = `${app.source} ${app.settings.recipe} ${app.settings.batch} ${app.state.run !== undefined}`;
      if (list.open && looked && listedFor !== wanted && !waiting) {
        listedFor = wanted;
        ask('listed');
      }
    },
  };
}

const firstOf = (layers: readonly InsideLayer[]) => layers.find(({ told }) => !told)!;

/** Values without place, in a square. */
function squareOf(values: Float32Array) {
  const side = Math.ceil(Math.sqrt(values.length));
  const value = (_: number, y: number, x: number) => values[y * side + x] ?? 0;
  return { height: side, width: side, count: 1, columns: 1, value };
}

function statusText(app: App, waiting: string, looked: Looked | undefined): string {
  const { losses, preparing, phase } = app.state;
  if (waiting) {
    const compiled =
      preparing?.task === 'compiling' ? `: shader ${preparing.done} of ${preparing.total}` : '';
    const doing = { looked: 'Looking', stepped: 'Making a step', listed: 'Listing' }[waiting] ?? 'Looking';
    return `${doing}${compiled}`;
  }
  if (phase === 'starting' || phase === 'loading') return 'Starting';
  if (app.measuring) return 'The GPU is busy: Check or Bench is running';
  if (!looked) return 'Nothing to look at yet';
  const { source } = looked.picture;
  if (source === 'file') return `The network of ${app.state.model?.name ?? 'the file'}`;
  if (source === 'pretrained') return `The pretrained network, ${whole(PRETRAINED_STEPS)} steps`;
  return losses.length > 0 ? `Your network, after step ${whole(losses.length)}` : 'An untrained network';
}

/** The images to choose from, as buttons. */
function showChoices({ choices, labels, height, width }: Looked, chosen: number): void {
  const box = anyElement('inside-choices');
  const size = height * width;
  labels.forEach((label, i) => {
    const made = box.children[i] ?? box.appendChild(document.createElement('button'));
    const choose = made as HTMLButtonElement;
    if (!choose.firstChild) {
      Object.assign(choose, { type: 'button' }).dataset.choice = String(i);
      choose.append(document.createElement('canvas'));
    }
    choose.ariaLabel = label === undefined ? `image ${i + 1}` : `a ${label}`;
    choose.setAttribute('aria-pressed', String(i === chosen));
    paint(
      choose.firstChild as HTMLCanvasElement,
      pictureOf(choices.subarray(i * size, (i + 1) * size), height, width),
      1,
    );
  });
  while (box.children.length > labels.length) box.lastChild!.remove();
}

/** The classes that the network can be told; empty stands for the image's own. */
function fillLabels({ classes }: Looked, select: HTMLSelectElement): void {
  select.closest<HTMLElement>('.field')!.hidden = classes === 0;
  if (select.options.length === classes + 2 || classes === 0) return;
  const own = new Option('its own', '');
  const none = new Option('none', String(classes));
  select.replaceChildren(own, ...Array.from({ length: classes }, (_, i) => new Option(String(i))), none);
}

function showBars(norms: NumberOf): void {
  const most = Math.max(...Object.values(norms));
  anyElement('inside-norms').replaceChildren(
    ...Object.entries(norms).map(([name, norm]) => {
      const row = document.createElement('div');
      const bar = Object.assign(document.createElement('span'), { className: 'norm-bar' });
      bar.style.width = `${most > 0 ? (100 * norm) / most : 0}%`;
      const track = Object.assign(document.createElement('dd'), { className: 'norm' });
      track.append(bar, Object.assign(document.createElement('span'), { textContent: number(norm) }));
      row.append(Object.assign(document.createElement('dt'), { textContent: name }), track);
      return row;
    }),
  );
}
