/** A colour of the style sheet, for what is drawn on a canvas: it does not follow the page's colour scheme by itself. */
export const color = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();
