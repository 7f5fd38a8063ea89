/** Saves images of the Make view as files, and shares an address that makes them again. */

import type { Order } from '../messages/messages';
import { fileName } from '../messages/order';
import { type Settings, toQuery } from '../messages/settings';
import { downloadMade, onClick, setDisabled, setText } from '../shell/dom';
import { toPng } from '../shell/images';
import { stepTiles } from '../shell/trajectory';
import type { SampleOrders } from './orders';

/** The URL query that makes an order again, which follows these settings. The URL does not contain the user's own network. */
export function orderQuery(settings: Settings, { count, text }: Pick<Order, 'count' | 'text'>): string {
  // As many as suit this adapter.
  const what = { text, count: text ? 0 : count };
  return toQuery({ ...settings, ...what, task: 'sample', model: 'auto', autorun: true });
}

/** The second half of a sentence such as "The address is copied": the images that the address makes. `made`: whether they are shown. */
function promise(source: Order['source'], isShown: boolean): string {
  if (source === 'run' || source === 'file')
    return '; these images are of your own network, which the address does not hold.';
  return isShown ? ': it makes the same images.' : ': it makes the images that are chosen here.';
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

export function saveAs(file: string, content: Parameters<typeof downloadMade>[1]): void {
  void downloadMade(file, content).then((problem) => tell(problem ?? `Saved as ${file}.`));
}

/** Saves the steps that are shown, and shares their order, even if the choices have changed since; if there are none yet, what is chosen. */
export function connectShare(orders: SampleOrders): () => void {
  const { app, one } = orders;
  const name = (which: number | 'all', ending: string) => {
    const { network, order } = one.last!;
    return fileName(network, order, which, ending);
  };
  onClick('save-sampled', () => {
    const { shown } = one;
    if (!shown) return;
    const tiles = orders.shownOf(shown);
    const frame = { ...shown, prediction: tiles.bytes };
    saveAs(name(shown.step, 'png'), (files) => toPng(files.stepPicture(frame, tiles, shown.order.steps)));
  });
  onClick('save-sheet', () =>
    saveAs(name('all', 'png'), (files) => toPng(files.trajectorySheet(one.all, stepTiles(one.last!)))),
  );
  onClick('save-gif', () => {
    tell('Making the animation…');
    saveAs(name('all', 'gif'), (files) => files.trajectoryGif(one.all, stepTiles(one.last!)));
  });

  /** What the last sentence about the address is true of. */
  let of: readonly unknown[] = [];
  const now = () => [app.settings, one.last?.order, app.source];
  onClick('share', async () => {
    const finished = one.follows ? undefined : one.last;
    const { order, settings } = finished ?? { order: orders.chosen, settings: app.address.chosen };
    const url = new URL(orderQuery(settings, order), location.href).href;
    // A column of a comparison may be the run's, too.
    const { left, right } = app.settings;
    const source = [left, right].includes('run') ? 'run' : order.source;
    const before = now();
    tell(await share(url, promise(source, finished !== undefined)));
    of = before;
    app.changed();
  });

  return () => {
    setDisabled('save-sampled', !one.last || one.follows);
    for (const id of ['save-sheet', 'save-gif']) setDisabled(id, !one.complete);
    if (of.every((each, i) => each === now()[i])) return;
    of = [];
    tell('');
  };
}
