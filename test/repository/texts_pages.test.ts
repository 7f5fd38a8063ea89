/** The texts as pages: what they lead to is there, and no link leads to a file that has no address. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type TextName, texts } from '../../harness/page/sources/texts';
import { makePage } from '../../harness/tools/build/texts_pages';

const names = Object.keys(texts) as TextName[];
const made = (name: TextName) => makePage(name, readFileSync(`docs/${name}.md`, 'utf8'), undefined);
const hrefs = (html: string) =>
  [...html.matchAll(/<a (?:class="door" )?href="([^"]+)"/g)].map(([_, href]) => href);
const ids = (html: string) => [...html.matchAll(/ id="([^"]+)"/g)].map(([_, id]) => id);

test.each(names)(
  'the page of the text %s links to pages and headings that exist, and shows pictures that exist',
  (name) => {
    const { html, files } = made(name);
    const local = hrefs(html).filter((href) => !/^https:|^\.\.\//.test(href));
    expect(local.length).toBeGreaterThan(2);
    for (const href of local) {
      const [page, id] = href.split('#');
      const other = page ? (page.replace('.html', '') as TextName) : name;
      expect(names, href).toContain(other);
      if (id !== undefined) expect(ids(made(other).html), href).toContain(id);
    }
    for (const file of files) expect(existsSync(`docs/${file}`), file).toBe(true);
    // Which the policy forbids, or which no file is at.
    expect(html).not.toMatch(/<script| style=|\.md["#]/);
    expect(html.match(/<h1/g)).toHaveLength(1);
  },
);
