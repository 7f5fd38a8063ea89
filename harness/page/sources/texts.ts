/** Where the project's files are to be read: as pages beside the page (harness/tools/build/texts_pages.ts), or in the repository. Pure. */

/** The texts that are pages, and their titles: `tutorial` is made from docs/tutorial.md. */
export const texts = {
  page: 'A tour of the page',
  tutorial: 'The tutorial, block by block',
  recipe: 'From blots to digits',
  kernels: 'Kernels by themselves',
} as const;
export type TextName = keyof typeof texts;

/** The page of a text, from the folder docs/; `path` is from the root of the repository. Undefined for other files. */
export function textPage(path: string): string | undefined {
  const [_, name, hash = ''] = /^docs\/(\w+)\.md(#.*)?$/.exec(path) ?? [];
  return name !== undefined && Object.hasOwn(texts, name) ? `${name}.html${hash}` : undefined;
}

/** The anchor of a heading, as GitHub makes it. */
export const toAnchor = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

/** The web address of a file on the main branch of a repository; undefined while package.json names no repository. */
export function fileAddress(path: string, url: string | undefined): string | undefined {
  return url && `${url.replace(/^git\+/, '').replace(/\.git$/, '')}/blob/HEAD/${path}`;
}
