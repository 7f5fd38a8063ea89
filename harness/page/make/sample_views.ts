/** The views of the Make view: images, step by step, and the network that made the images or makes the next. */
import { labelName, listClasses } from '../../pictures/class_names';
import { plural, whole } from '../../text/units';
import { columnsFor } from '../messages/order';
import { History } from '../runs/history';
import { byId, isStill, onClick, setDisabled, setHidden, setText } from '../shell/dom';
import { connectScrub, connectSources } from '../shell/fields';
import { ImageView, type Tiles } from '../shell/images';
import { isOfDigits, networkText } from '../shell/state';
import { isLast, type Sampled } from '../shell/trajectory';
import { loadRecording } from '../welcome/recorded';
import type { SampleOrders } from './orders';

const FRAME_MS = 120;
/** The longest text whose classes are named one by one. */
const MOST_NAMED = 12;

/** What was ordered: `2, 0, 2, 6`, `6 images of 3`, `20 images of 0 to 9`, `6 images`. Pure. */
function orderedIn({ order, network }: Sampled): string {
  const { labels, digit, count } = order;
  if (labels && count <= MOST_NAMED)
    return labels.map((label) => labelName(label, network.classNames)).join(', ');
  const images = plural(count, 'image');
  if (network.classes === 0 || labels) return images;
  return `${images} of ${digit === 'all' ? listClasses(network) : labelName(digit, network.classNames)}`;
}

/** A step of images: `step 3 of 4`. Pure. */
export function stepText(shown: Sampled | undefined): string {
  if (!shown?.step) return 'no steps yet';
  const { step, order } = shown;
  return step > order.steps ? 'polished' : `step ${whole(step)} of ${whole(order.steps)}`;
}

/** Explains a step. Pure. */
function explained({ step, network, order }: Sampled): string {
  const left = order.steps - step;
  if (left < 0) return 'The polish: what the network sees behind a little new noise. The grain is gone.';
  if (left === 0) return 'The last step leaves no noise: these are the images.';
  const method = network.recipe === 'tutorial' ? 'mix' : order.method;
  if (method === 'heun') return 'This step averages the velocity at its beginning and at its end.';
  if (method === 'adams' && step > 1) return 'This step extrapolates from the last two velocities.';
  if (method === 'adams' && network.sampling.shift)
    return 'This step goes a little of the way to what the network sees.';
  return `This step goes 1/${whole(left + 1)} of the way to what the network sees.`;
}

/** Before anything is ordered it plays a recording: what the pretrained network makes. Rendering returns what is shown. */
export function connectSteps(orders: SampleOrders): () => Tiles {
  const { app, one } = orders;
  const canvas = byId('sample-prediction', HTMLCanvasElement);
  const view = new ImageView(canvas);
  const recorded = new History<Tiles & { readonly step: number }>(() => app.changed());
  let recordingLoads = false;
  const renderScrub = connectScrub(one, byId('frame', HTMLInputElement), 'play', FRAME_MS);

  const playRecording = async () => {
    recordingLoads = true;
    const { x, height, width, making } = await loadRecording();
    const shape = { columns: columnsFor(making.images), height, width, channels: 1 };
    for (const [step, bytes] of x.entries()) recorded.add({ step, bytes, ...shape });
    if (isStill()) app.changed();
    else recorded.play(FRAME_MS);
  };

  /** What is shown, its name, and its description where that is another. */
  const picture = (): readonly [Tiles, what: string, label?: string] => {
    const { shown } = one;
    if (shown) {
      const tiles = orders.shownOf(shown);
      const ordered = orderedIn(shown);
      if (one.follows) return [tiles, ordered];
      if (isLast(shown)) return [tiles, ordered, `${ordered}, finished`];
      return [tiles, 'What the network sees', `${ordered} at ${stepText(shown)}`];
    }
    // Of a network for whose digits recorded ones may stand; where the recording does not come there is noise.
    const isOpening =
      !orders.begun && orders.isFlow && app.source === 'pretrained' && isOfDigits(app.network);
    if (isOpening && !app.asked && !recordingLoads) playRecording().catch(() => {});
    return isOpening && recorded.shown
      ? [recorded.shown, 'A recording: noise becomes digits']
      : [orders.noise, 'The noise that images come from'];
  };

  return () => {
    const { shown, follows } = one;
    const step = stepText(shown);
    renderScrub(step);
    setText('frame-label', step);
    setHidden('sample-scrub', one.length < 2);
    const [tiles, what, label = what] = picture();
    view.show(tiles);
    canvas.ariaLabel = label;
    setText('shown-what', what);
    const note =
      shown && !follows
        ? explained(shown)
        : 'The network looks at noise. Each step goes a little of the way to what it sees there.';
    const enlarged = tiles.enlarged ? ' Another network, which knows icons, has enlarged them.' : '';
    setText('frame-note', note + enlarged);
    setHidden('make-why', !one.complete);
    return tiles;
  };
}

// ---------------------------------------------------------------- the network

const small = (sentence: string) => sentence.replace(/^./, (letter) => letter.toLowerCase());

export function connectSource(orders: SampleOrders): () => void {
  const { app } = orders;
  const renderSources = connectSources(app, 'use', () => orders.again());
  onClick('save-model-2', () => app.save('model'));

  const sentence = () => {
    const { pair, making, maker } = orders;
    const next = pair ? app.source : making.source;
    const name = networkText(next, app.state);
    const makerText = maker && networkText(maker.source, app.state, maker.trained);
    if (makerText && makerText !== name)
      return `Made by ${small(makerText)}${maker.source === next ? '' : `; now chosen: ${small(name)}`}`;
    if (next !== 'run' || app.state.losses.length > 0) return name;
    return `${name} makes nothing but noise. Train it first, or choose the pretrained one`;
  };

  return () => {
    const { source, state } = app;
    renderSources(source);
    setText('sample-model', sentence());
    setDisabled('save-model-2', state.losses.length === 0 || state.phase === 'lost' || source !== 'run');
  };
}
