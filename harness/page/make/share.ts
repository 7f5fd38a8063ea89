/** Saves images of the Make view as files, and shares an address that makes them again. */

import type { Order } from '../messages/messages';
import { fileName } from '../messages/order';
import { type Settings, toQuery } from '../messages/settings';
import type { App, Panel } from '../shell/app';
import { downloadMade, onClick, setText } from '../shell/dom';
import { pngOf, type Tiles } from '../shell/images';
import type { Trajectory } from '../shell/trajectory';
import { settingsFor } from './calls';
import type { TwoColumns } from './compare';

/** The URL query that reproduces `order`. Other settings stay as they are. The URL does not contain the user's own network. */
export function queryOf(settings: Settings, order: Order): string {
  const { count, seed: noise, place, digit, text } = order;
  const what = {
    ...settingsFor(settings.recipe, order),
    noise,
    ...place,
    digit,
    text,
    count: text ? 0 : count,
  };
  return toQuery({ ...settings, ...what, task: 'sample', model: 'auto', autorun: true });
}

/** The second half of a sentence such as "The address is copied": the images that the address makes. `made`: whether they are shown. */
export function promise(source: Order['source'], made: boolean): string {
  if (source === 'run' || source === 'file')
    return '; these images are of your own network, which the address does not hold.';
  return made ? ': it makes the same images.' : ': it makes the images that are chosen here.';
}

/** Shares a URL with the device's share menu, or else copies it. Returns a sentence for the user. */
async function share(url: string, promised: string): Promise<string> {
  if (navigator.share && navigator.canShare?.({ url })) {
    try {
      await navigator.share({ title: document.title, url });
      return `The address is shared${promised}`;
    } catch (error) {
      // A user who closes the share menu does not want a copy either.
      if ((error as Error).name === 'AbortError') return '';
    }
  }
  try {
    await navigator.clipboard.writeText(url);
    return `The address is copied${promised}`;
  } catch {
    return `The browser does not let the page copy. Copy the address here${promised} ${url}`;
  }
}

const tell = (words: string) => setText('shared', words);

/** `finished`: how the finished images are shown; undefined while they are not. */
export function connectDownloads(
  trajectory: Trajectory,
  columns: () => TwoColumns['shown'],
  finished: () => Tiles | undefined,
): void {
  const name = (which: number | 'all', ending: string) => {
    const { network, order } = trajectory.origin!;
    return fileName(network, order, which, ending);
  };
  const make = async (file: string, content: Parameters<typeof downloadMade>[1]) =>
    tell((await downloadMade(file, content)) ?? `Saved as ${file}.`);
  onClick('save-columns', () => {
    const shown = columns();
    if (!shown) return;
    const { left, right, name } = shown;
    void make(name, (files) => pngOf(files.beside(left.bytes, right.bytes, left)));
  });
  onClick('save-sampled', () => {
    const { shown, frames, shape, origin } = trajectory;
    if (!shown) return;
    const { steps } = origin!.order;
    const last = shown === frames.at(-1) ? finished() : undefined;
    const frame = last ? { ...shown, prediction: last.bytes } : shown;
    void make(name(shown.step, 'png'), (files) => pngOf(files.stepPicture(frame, last ?? shape, steps)));
  });
  onClick('save-sheet', () =>
    make(name('all', 'png'), ({ trajectorySheet }) =>
      pngOf(trajectorySheet(trajectory.frames, trajectory.shape)),
    ),
  );
  onClick('save-gif', () => {
    tell('Making the animation…');
    void make(name('all', 'gif'), (files) => files.trajectoryGif(trajectory.frames, trajectory.shape));
  });
}

/** Shares the shown images, even if the choices have changed since; if there are none yet, the chosen ones. */
export function connectShare(app: App, trajectory: Trajectory, chosen: () => Order): Pick<Panel, 'render'> {
  /** What the last sentence about the address is of. */
  let of: readonly unknown[] = [];
  const now = () => [app.settings, trajectory.origin, app.source];
  onClick('share', async () => {
    const made = trajectory.shown && trajectory.origin?.order;
    const order = made ?? chosen();
    const url = new URL(queryOf(app.address.chosen, order), location.href).href;
    // A column of a comparison may be the run's, too.
    const { left, right } = app.settings;
    const source = [left, right].includes('run') ? 'run' : order.source;
    const before = now();
    const words = await share(url, promise(source, made !== undefined));
    of = before;
    tell(words);
    app.changed();
  });
  return {
    /** The sentence is not true of other images. */
    render() {
      if (of.length === 0 || now().every((one, i) => one === of[i])) return;
      of = [];
      tell('');
    },
  };
}
