/** Shows the held-out loss and the samples' quality on the Train view: ten bars by noise level, and two bars of accepted shares. */

import { whole } from '../../text/units';
import { type HeldOutLoss, type NearestFound, risenSince } from '../messages/measurements';
import { isFreed } from '../messages/messages';
import type { App, Panel } from '../shell/app';
import { anyElement, make, onClick, setDisabled, setHidden, setMessage, setText } from '../shell/dom';
import { loss as lossText, percentText } from '../shell/format';
import { ImageView } from '../shell/images';
import { countImages } from './plan';

const BINS = 10;

export function createMeasuresView(app: App): Panel {
  const showBars = createBars(anyElement('noise-bars'));
  onClick('measure-quality', () => app.send('measure', 'quality'));
  const nearest = createNearest(app);
  return {
    receive(event) {
      if (event.type === 'pictures' && event.pictures.nearest) nearest.show(event.pictures.nearest);
      else if (isFreed(event)) nearest.show(undefined);
    },
    render() {
      showBars(app.state.measured.heldOut);
      renderHeldOut(app);
      renderQuality(app);
      nearest.render();
    },
  };
}

/** An item of the list for each part of the noise levels: a bar for the newest loss, before a fainter one for the first. Returns what shows them. */
function createBars(list: HTMLElement): (points: readonly HeldOutLoss[]) => void {
  const items = Array.from({ length: BINS }, (_, i) => {
    const part = (className: string, text = '') => make('span', { className, textContent: text });
    const range = part('visually-hidden', `noise ${i / BINS} to ${(i + 1) / BINS}: `);
    const [figure, room, first, now] = ['figure', 'room', 'first', 'now'].map((name) => part(name));
    room.append(first, now);
    const level = make('span', { className: 'level', ariaHidden: 'true' }, String(i / BINS));
    list.append(make('li', {}, range, figure, room, level));
    return { figure, first, now };
  });
  let shown: readonly HeldOutLoss[] | undefined;
  return (points) => {
    if (points === shown) return;
    shown = points;
    const first = points[0]?.bins ?? [];
    const last = points.at(-1)?.bins ?? [];
    const top = Math.max(...[...first, ...last].map((loss) => loss ?? 0));
    const height = (loss: number | null | undefined) => `${loss ? (100 * loss) / top : 0}%`;
    for (const [i, item] of items.entries()) {
      item.first.style.height = height(first[i]);
      item.now.style.height = height(last[i]);
      setText(item.figure, last[i] == null ? '–' : last[i].toPrecision(2));
    }
  };
}

function renderHeldOut(app: App): void {
  const { state } = app;
  const { measured, run } = state;
  const last = measured.heldOut.at(-1);
  setHidden('held-out', !last);
  if (!last) return;
  const held = run?.held ?? countImages(app).held;
  setText('held-out-at', `${lossText(last.loss)} after step ${whole(last.step)}`);
  const share = measured.clock?.heldOutShare;
  const cost = share ? `; this takes ${percentText(share)} of the time` : '';
  const used = last.images < held ? `${whole(last.images)} of the ${whole(held)}` : whole(held);
  setText(
    'held-out-note',
    `${used} images that it does not train on, always with the same noise${cost}. Faint bars: at the start.`,
  );
  const steps = state.planned?.plan.steps;
  const since = steps === undefined ? undefined : risenSince(measured.heldOut, steps);
  setMessage(
    'held-out-rise',
    since === undefined
      ? undefined
      : `It has risen since step ${whole(since)}: the network learns the training images by heart from there on, and its samples come nearer to copies of them.`,
  );
}

/** The figure with samples and the training picture nearest to each. */
function createNearest(app: App) {
  const list = anyElement('nearest-pairs');
  let found: NearestFound | undefined;
  onClick('find-nearest', () => app.send('measure', 'nearest'));
  return {
    show(measured: NearestFound | undefined): void {
      found = measured;
      list.replaceChildren(...(measured ? pairsOf(measured) : []));
    },
    render(): void {
      const { data, losses, measured, phase } = app.state;
      setHidden('nearest', !data || data.builtIn || losses.length === 0);
      const looking = measured.measuring === 'nearest';
      const at = found ? `after step ${whole(found.step)}` : 'at the end of the run';
      setText('nearest-at', looking ? 'looking' : at);
      setMessage('nearest-note', found && nearestText(found));
      setDisabled('find-nearest', looking || phase === 'lost' || app.measuring !== undefined);
    },
  };
}

/** An item for each pair: the sample above the training picture, and their distance. */
function pairsOf({ samples, nearest, distances, height, width, channels }: NearestFound): HTMLElement[] {
  const size = height * width * channels;
  return distances.map((distance, i) => {
    const canvas = make('canvas');
    const frame = make('span', { className: 'images' }, canvas);
    const bytes = Uint8Array.from(
      [samples, nearest].flatMap((images) => [...images.subarray(i * size, (i + 1) * size)]),
    );
    new ImageView(canvas).show({ bytes, height, width, channels, columns: 1 });
    return make('li', {}, frame, make('span', {}, whole(distance)));
  });
}

/** What the distances say, in a sentence or two. */
function nearestText({ near, distances }: Pick<NearestFound, 'near' | 'distances'>): string {
  const what =
    'Samples, and under each the nearest of your pictures with its distance: the mean difference of smoothed pixels, of 255.';
  if (near === undefined) return what;
  const are = near === 1 ? 'is' : 'are';
  return `${whole(near)} of ${whole(distances.length)} ${are} nearer to one of yours than 95 in 100 of your pictures are to their nearest. ${what}`;
}

function renderQuality(app: App): void {
  const { state } = app;
  const { measured, data, losses, phase } = state;
  const last = measured.quality.at(-1);
  const measuring = measured.measuring === 'quality';
  // The classifier knows the digits that come with the page, and no other images.
  setHidden('quality', data?.builtIn === false || losses.length === 0);
  setHidden('accepted', !last);
  for (const [id, share = 0] of [
    ['samples', last?.accepted],
    ['real', last?.real],
  ] as const) {
    anyElement(`accepted-${id}`).style.width = `${100 * share}%`;
    setText(`accepted-${id}-figure`, percentText(share));
  }
  const at = last ? `after step ${whole(last.step)}` : 'not measured yet';
  setText('quality-at', measuring ? 'measuring' : at);
  const share = measured.clock?.qualityShare;
  const cost = share ? ` This takes ${percentText(share)} of the time.` : '';
  setText('quality-note', `How many of 100 samples a classifier is sure of.${cost}`);
  setDisabled('measure-quality', measuring || phase === 'lost' || app.measuring !== undefined);
}
