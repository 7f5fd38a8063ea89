/**
 * Texts of docs/ as pages beside the page, in its style: docs/tutorial.html and others, in development and at build. Their policy allows no
 * script. A link from one text to another stays here; a link to another file of the repository is text while package.json says OWNER.
 */
import { existsSync, readFileSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import MarkdownIt from 'markdown-it';
import type { Plugin } from 'vite';
import { anchorOf, fileAddress, type TextName, textPage, texts } from '../../page/sources/texts.ts';

const STYLES = ['harness/page/shell/style.css', 'harness/page/shell/texts.css'];
const ICON = 'harness/page/shell/icon.svg';
const POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'";

/** Where a link of a text in docs/ leads: to another text, to a view of the page, to a file with an address, or nowhere. `url`: the repository's. */
function addressOf(href: string, url: string): string | undefined {
  if (/^https?:|^#|^\.\.\/\?/.test(href)) return href;
  const path = posix.join('docs', href);
  return textPage(path) ?? fileAddress(path, url);
}

/** Addresses of what a page has beside its text. */
interface Files {
  readonly styles: readonly string[];
  readonly icon: string;
}

/** A page's markup, and the files in docs/ that it shows. */
export function pageOf(name: TextName, markdown: string, { styles, icon }: Files, url: string) {
  const files: string[] = [];
  const md = new MarkdownIt({ html: true });
  md.core.ruler.push('project', ({ tokens }) => {
    for (const [i, token] of tokens.entries()) {
      if (token.type === 'heading_open') token.attrSet('id', anchorOf(tokens[i + 1].content));
      // Its own way of aligning cells, style="text-align:right", is forbidden by the policy.
      if (token.attrGet('style')?.includes('right')) token.attrSet('class', 'number');
      token.attrs = token.attrs?.filter(([key]) => key !== 'style') ?? null;
      // The corner of a table heads nothing.
      if (token.type === 'th_open' && tokens[i + 1].content === '') token.tag = tokens[i + 2].tag = 'td';
      // What scrolls must be reachable by keyboard.
      if (token.type === 'table_open') token.attrSet('tabindex', '0');
      const children = token.children ?? [];
      const open: boolean[] = [];
      for (const child of children) {
        if (child.type === 'image') files.push(child.attrGet('src')!);
        if (child.type === 'link_open') {
          const address = addressOf(child.attrGet('href')!, url);
          open.push(address !== undefined);
          if (address === undefined) child.hidden = true;
          else child.attrSet('href', address);
        }
        if (child.type === 'link_close') child.hidden = !open.pop();
      }
    }
  });
  for (const rule of ['fence', 'code_block']) {
    const write = md.renderer.rules[rule]!;
    md.renderer.rules[rule] = (...given) => write(...given).replace('<pre>', '<pre tabindex="0">');
  }
  // Inline tokens are written whatever `hidden` says.
  for (const rule of ['link_open', 'link_close'])
    md.renderer.rules[rule] = (tokens, i, options, _, self) =>
      tokens[i].hidden ? '' : self.renderToken(tokens, i, options);
  const body = md.render(markdown);
  const list = Object.entries(texts).map(([other, title]) =>
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
  <link rel="icon" href="${icon}" type="image/svg+xml">
${styles.map((href) => `  <link rel="stylesheet" href="${href}">`).join('\n')}
</head>
<body>
  <header class="top"><a class="name" href="../">webgpu-diffusion</a><nav class="doors" aria-label="Texts">${list.join(' ')}</nav></header>
  <main class="text">
${body}  </main>
</body>
</html>
`;
  return { html, files };
}

export function textPages(): Plugin {
  let root = '';
  const read = (path: string) => readFileSync(resolve(root, path));
  const names = Object.keys(texts) as TextName[];
  const make = (name: TextName, files: Files) =>
    pageOf(
      name,
      String(read(`docs/${name}.md`)),
      files,
      JSON.parse(String(read('package.json'))).repository.url,
    );
  return {
    name: 'texts',
    configResolved(config) {
      root = config.root;
    },
    configureServer({ middlewares }) {
      middlewares.use((request, response, next) => {
        const [, name] = /^\/docs\/(\w+)\.html$/.exec(request.url?.split('?')[0] ?? '') ?? [];
        if (!name || !(name in texts)) return next();
        const styles = STYLES.map((path) => `/${path}`);
        const { html } = make(name as TextName, { styles, icon: `/${ICON}` });
        response.setHeader('content-type', 'text/html; charset=utf-8');
        response.end(html);
      });
    },
    generateBundle() {
      const emitted = new Set<string>();
      const emit = (fileName: string, source: string | Buffer) => {
        if (emitted.has(fileName)) return;
        emitted.add(fileName);
        this.emitFile({ type: 'asset', fileName, source });
      };
      for (const name of names) {
        const { html, files } = make(name, { styles: ['texts.css'], icon: 'icon.svg' });
        emit(`docs/${name}.html`, html);
        for (const file of files) {
          if (!existsSync(resolve(root, 'docs', file)))
            this.error(`docs/${name}.md shows ${file}, which is not there`);
          emit(`docs/${file}`, read(`docs/${file}`));
        }
      }
      emit('docs/icon.svg', read(ICON));
      emit('docs/texts.css', STYLES.map((path) => String(read(path))).join('\n'));
    },
  };
}
