/** A drawing as a tree: text for a file, elements for the page, where a policy may forbid to read text as markup (harness/page/shell/dom.ts). */
export interface Svg {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly children: readonly (Svg | string)[];
}

export const svg = (name: string, attributes: Svg['attributes'], ...children: Svg['children']): Svg => ({
  name,
  attributes,
  children,
});

export const NAMESPACE = 'http://www.w3.org/2000/svg';

/** A file that stands alone, coloured by `css`: a line for each child. */
export function svgFile({ name, attributes, children }: Svg, css: string): string {
  const opening = `${beginning(name, { xmlns: NAMESPACE, ...attributes })}>`;
  return [opening, `<style>${css}</style>`, ...children.map(textOf), `</${name}>`, ''].join('\n');
}

function textOf(node: Svg | string): string {
  if (typeof node === 'string') return escapeXml(node);
  const { name, attributes, children } = node;
  const content = children.map(textOf).join('');
  return `${beginning(name, attributes)}${content ? `>${content}</${name}>` : '/>'}`;
}

const beginning = (name: string, attributes: Svg['attributes']) =>
  [`<${name}`, ...Object.entries(attributes).map(([k, v]) => `${k}="${escapeXml(String(v))}"`)].join(' ');

/** Escapes text for use between tags and in attributes. */
export function escapeXml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (c) => entities[c]);
}
