/** Drawings made of elements, and their styles: no text that becomes markup, and no `<style>`, so that the strictest policy allows both. */
import { NAMESPACE, type Svg } from '../../run/svg';

export function elementOf({ name, attributes, children }: Svg): SVGElement {
  const element = document.createElementNS(NAMESPACE, name) as SVGElement;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children.map((child) => (typeof child === 'string' ? child : elementOf(child))));
  return element;
}

export function addStyles(css: string): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets.push(sheet);
}
