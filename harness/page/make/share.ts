/** Gives an address that makes an order's images again to somebody else. */

import { type Settings, toQuery } from '../shell/settings';
import type { Order } from '../worker/messages';
import { settingsFor } from './calls';

/** The query of a page that makes this by itself; what is no part of the order is as it is set. A network of one's own is in no address. */
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

/** What an address makes, to follow "The address is copied". `made` says whether the images are shown. */
export function promise(source: Order['source'], made: boolean): string {
  if (source === 'run' || source === 'file')
    return '; these images are of your own network, which the address does not hold.';
  return made ? ': it makes the same images.' : ': it makes the images that are chosen here.';
}

/** Shares by what the device offers for it, or else by the clipboard. Returns what was done. */
export async function share(url: string, promised: string): Promise<string> {
  if (navigator.share && navigator.canShare?.({ url })) {
    try {
      await navigator.share({ title: document.title, url });
      return `The address is shared${promised}`;
    } catch (error) {
      // Whoever closed the choice does not want it copied either.
      if ((error as Error).name === 'AbortError') return '';
    }
  }
  try {
    await navigator.clipboard.writeText(url);
    return `The address is copied${promised}`;
  } catch {
    return `The browser lets the page copy nothing. Copy it here${promised} ${url}`;
  }
}
