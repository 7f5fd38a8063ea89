/** Gives the page's address to somebody else: by what the device offers for it, or else by the clipboard. Returns what was done. */
export async function share(url: string): Promise<string> {
  if (navigator.share && navigator.canShare?.({ url })) {
    try {
      await navigator.share({ title: document.title, url });
      return 'Shared.';
    } catch (error) {
      // Whoever closed the choice does not want it copied either.
      if ((error as Error).name === 'AbortError') return '';
    }
  }
  try {
    await navigator.clipboard.writeText(url);
    return 'The address is copied: it makes the same images.';
  } catch {
    return 'The browser lets the page copy nothing. The address above makes the same images.';
  }
}
