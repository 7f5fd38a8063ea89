/**
 * Texts of docs/ as pages beside the page, in its style: docs/tutorial.html and others, in development and at build. Their policy allows no
 * script. A link from one text to another stays here; a link to another file of the repository is text while package.json names no repository.
 */
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import MarkdownIt from 'markdown-it';
import type { Plugin } from 'vite';
import { fileAddress, type TextName, textPage, texts, toAnchor } from '../../page/sources/texts.ts';

const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root));
const STYLES = ['harness/page/shell/style.css', 'harness/page/shell/texts.css'];
const ICON = 'harness/page/shell/icon.svg';
const POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'";

/** Where a link of a text in docs/ leads: to another text, to a view of the page, to a file with an address, or nowhere. `url`: the repository's. */
function addressOf(href: string, url: string | undefined): string | undefined {
  if (/^https?:|^#|^\.\.\/\?/.test(href)) return href;
  const path = posix.join('docs', href);
  return textPage(path) ?? fileAddress(path, url);
}

/** A page's markup, and the files in docs/ that it shows. */
export function makePage(name: TextName, markdown: string, url: string | undefined) {
  const files: string[] = [];
  const md = new MarkdownIt({ html: true });
  md.core.ruler.push('project', ({ tokens }) => {
    for (const [i, token] of tokens.entries()) {
      if (token.type === 'heading_open') token.attrSet('id', toAnchor(tokens[i + 1].content));
      // Its own way of aligning cells, style="text-align:right", is forbidden by the policy.
      if (token.attrGet('style')?.includes('right')) token.attrSet('class', 'number');
      token.attrs = token.attrs?.filter(([key]) => key !== 'style') ?? null;
      // The corner of a table heads nothing.
      if (token.type === 'th_open' && tokens[i + 1].content === '') token.tag = tokens[i + 2].tag = 'td';
      const open: boolean[] = [];
      token.children = (token.children ?? []).filter((child) => {
        if (child.type === 'image') files.push(child.attrGet('src')!);
        if (child.type === 'link_close') return open.pop();
        if (child.type !== 'link_open') return true;
        const address = addressOf(child.attrGet('href')!, url);
        if (address !== undefined) child.attrSet('href', address);
        open.push(address !== undefined);
        return address !== undefined;
      });
    }
  });
  // What scrolls must be reachable by keyboard.
  const body = md.render(markdown).replace(/<(table|pre)>/g, '<$1 tabindex="0">');
  const doors = Object.entries(texts).map(([other, title]) =>
    other === name
      ? `<span class="door" aria-current="page">${title}</span>`
      : `<a class="door" href="${other}.html">${title}</a>`,
  );
  const html = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${POLICY}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${texts[name]} · webgpu-diffusion</title>
  <link rel="icon" href="icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="texts.css">
</head>
<body>
  <header class="top"><a class="name" href="../">webgpu-diffusion</a><nav class="doors" aria-label="Texts">${doors.join(' ')}</nav></header>
  <main class="text">
${body}  </main>
</body>
</html>
`;
  return { html, files };
}

/** The address of the repository in package.json, which names one only where it is published. */
export const repositoryUrl = (): string | undefined =>
  JSON.parse(String(read('package.json'))).repository?.url;

/** The files beside the page in docs/, by name. */
function filesInDocs(): Map<string, string | Buffer> {
  const all = new Map<string, string | Buffer>([
    ['icon.svg', read(ICON)],
    ['texts.css', STYLES.map(read).join('\n')],
  ]);
  for (const name of Object.keys(texts) as TextName[]) {
    const { html, files } = makePage(name, String(read(`docs/${name}.md`)), repositoryUrl());
    all.set(`${name}.html`, html);
    for (const file of files) all.set(file, read(`docs/${file}`));
  }
  return all;
}

export const textPages = (): Plugin => ({
  name: 'texts',
  configureServer({ middlewares }) {
    middlewares.use('/docs', ({ url = '' }, response, next) => {
      const [_, file, end] = /^\/(\w+\.(html|css|svg))(\?|$)/.exec(url) ?? [];
      const source = file && filesInDocs().get(file);
      if (!source) return next();
      const type = end === 'svg' ? 'image/svg+xml' : `text/${end}; charset=utf-8`;
      response.setHeader('content-type', type);
      response.end(source);
    });
  },
  generateBundle() {
    for (const [file, source] of filesInDocs())
      this.emitFile({ type: 'asset', fileName: `docs/${file}`, source });
  },
});
