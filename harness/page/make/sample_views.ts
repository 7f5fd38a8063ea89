/** The views of the Make view: a trajectory, step by step, and the network that made the images or makes the next. */
import { listOf, nameOf } from '../../pictures/class_names';
import { plural, whole } from '../../text/units';
import type { Order } from '../messages/messages';
import { PRETRAINED_IMAGES } from '../messages/pretrained';
import type { App } from '../shell/app';
import { button, byId, onClick, setDisabled, setHidden, setText } from '../shell/dom';
import { connectSources } from '../shell/fields';
import { ImageView, type Tiles } from '../shell/images';
import type { Origin, Trajectory } from '../shell/trajectory';

/** What is shown before there are steps, and its name. */
export interface Shown {
  readonly tiles: Tiles;
  readonly what: string;
}

/** `finished`: how the finished images are shown; undefined while they are not. */
export function connectTrajectory(
  app: App,
  trajectory: Trajectory,
  before: () => Shown,
  finished: () => Tiles | undefined,
): { render(): void } {
  const view = new ImageView('sample-prediction');
  const slider = byId('frame', HTMLInputElement);
  const play = button('play');
  slider.addEventListener('input', () => trajectory.choose(Number(slider.value)));
  play.addEventListener('click', () => {
    if (!trajectory.playing) trajectory.play();
    else {
      trajectory.stop();
      app.changed();
    }
  });

  /** Explains the shown step. */
  const sentence = (left: number): string => {
    if (left < 0) return 'The polish: what the network sees behind a little new noise. The grain is gone.';
    if (left === 0)
      return 'The network looks at noise. Each step goes a little of the way to what it sees there.';
    const { network, order } = trajectory.origin ?? {};
    const method = network?.recipe === 'tutorial' ? 'mix' : order?.method;
    if (left === 1) return 'The last step leaves no noise: these are the images.';
    if (method === 'heun') return 'This step averages the velocity at its beginning and at its end.';
    const isFirst = left === order?.steps;
    if (method === 'adams' && !isFirst) return 'This step extrapolates from the last two velocities.';
    if (method === 'adams' && network?.sampling.shift)
      return 'This step goes a little of the way to what the network sees.';
    return `This step goes 1/${whole(left)} of the way to what the network sees.`;
  };

  return {
    render() {
      const { shown, frames, origin } = trajectory;
      const steps = origin?.order.steps ?? 0;
      slider.max = String(Math.max(0, frames.length - 1));
      slider.value = String(Math.max(0, trajectory.at));
      setHidden('sample-scrub', frames.length < 2);
      slider.disabled = frames.length < 2;
      setDisabled(play, frames.length < 2 || app.state.phase === 'sampling');
      setText(play, trajectory.playing ? 'Stop' : 'Play');
      const isPolished = shown && shown.step > steps;
      const label = isPolished
        ? 'polished'
        : shown
          ? `step ${whole(shown.step)} of ${whole(steps)}`
          : 'no steps yet';
      setText('frame-label', label);
      const canvas = byId('sample-prediction', HTMLCanvasElement);
      if (shown && origin) {
        const isFinished = trajectory.complete && shown === frames.at(-1);
        const tiles = (isFinished && finished()) || trajectory.tiles!;
        if (view.shown?.bytes !== tiles.bytes) view.show(tiles);
        const ordered = orderedIn(origin);
        canvas.ariaLabel = isFinished ? `${ordered}, finished` : `${ordered} at ${label}`;
        setText('shown-what', isFinished ? ordered : 'What the network sees');
      } else {
        const { tiles, what } = before();
        view.show(tiles);
        canvas.ariaLabel = what;
        setText('shown-what', what);
      }
      slider.ariaValueText = label;
      const note = sentence(isPolished ? -1 : shown ? steps - shown.step + 1 : 0);
      setText(
        'frame-note',
        view.shown?.enlarged ? `${note} Another network, which knows icons, has enlarged them.` : note,
      );
    },
  };
}

/** The longest text whose classes are named one by one. */
const MOST_NAMED = 12;

/** What was ordered: `2, 0, 2, 6`, `6 images of 3`, `20 images of 0 to 9`, `6 images`. Pure. */
export function orderedIn({ order, network }: Pick<Origin, 'order' | 'network'>): string {
  const { labels, digit, count } = order;
  if (labels && count <= MOST_NAMED)
    return labels.map((label) => nameOf(label, network.classNames)).join(', ');
  const images = plural(count, 'image');
  if (network.classes === 0 || labels) return images;
  return `${images} of ${digit === 'all' ? listOf(network) : nameOf(digit, network.classNames)}`;
}

// ---------------------------------------------------------------- the network

/** A network, and the number of steps that the run's had been trained for by then. */
export interface Maker {
  readonly source: Order['source'];
  readonly trained: number;
}

/** `again` makes the images anew where some are shown; `maker` made those, if there are any; `chosen` makes the next. */
export function connectSource(
  app: App,
  again: () => void,
  maker: () => Maker | undefined,
  chosen: () => Order['source'],
): { render(): void } {
  const sources = connectSources(app, 'use', again);
  onClick('save-model-2', () => app.save('model'));

  const nameOf = ({ source, trained }: Maker) => {
    if (source === 'instant') return 'the pretrained network, distilled to two calls';
    if (source === 'pretrained') return `the pretrained network, after ${whole(PRETRAINED_IMAGES)} images`;
    if (source === 'file') return `the file ${app.state.model?.name}`;
    return trained > 0 ? `this page’s run, step ${whole(trained)}` : 'an untrained network';
  };
  const sentence = () => {
    const now = app.state.losses.length;
    const next = { source: chosen(), trained: now };
    const made = maker();
    if (made && nameOf(made) !== nameOf(next)) {
      const isRun = made.source === 'run' && next.source === 'run';
      return `Made by ${nameOf(made)}; ${isRun ? `it is at step ${whole(now)} now` : `now chosen: ${nameOf(next)}`}`;
    }
    if (next.source !== 'run' || now > 0) return nameOf(next).replace(/^./, (letter) => letter.toUpperCase());
    return 'An untrained network makes nothing but noise. Train it first, or choose the pretrained one';
  };

  return {
    render() {
      const { source, state } = app;
      sources.render(source);
      setText('sample-model', sentence());
      const none = state.losses.length === 0 || state.phase === 'lost' || source !== 'run';
      setDisabled('save-model-2', none);
    },
  };
}
