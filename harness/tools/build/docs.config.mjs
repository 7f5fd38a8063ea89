/**
 * The site of the documentation, in dist/docs (`npm run docs`): README, the pages of docs/, and every exported name of the package from its
 * comments. Fails over any warning: a name without a comment, a link that leads nowhere.
 */
import { readdirSync } from 'node:fs';
import { Converter } from 'typedoc';
import { entries } from './make_declarations.mjs';

const root = new URL('../../../', import.meta.url);
/** The pages that a newcomer needs, in reading order; the others follow by name. */
const FIRST = ['getting_started', 'page', 'commands', 'embedding', 'troubleshooting', 'step'];
const others = readdirSync(new URL('docs', root)).filter((file) => file.endsWith('.md'));
const pages = new Set([...FIRST.map((name) => `${name}.md`), ...others.sort()]);

/** Links to folders of the repository become their texts: the site has no such pages. */
function unlinkFolders(parts) {
  for (const [i, part] of parts.entries()) {
    if (part.kind !== 'relative-link' || part.target !== undefined) continue;
    const before = parts[i - 1];
    const after = parts[i + 1];
    before.text = before.text.replace(/\[([^\]]*)\]\($/, '$1');
    after.text = after.text.replace(/^\)/, '');
    Object.assign(part, { kind: 'text', text: '' });
  }
}

function guide({ converter }) {
  converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, page) => {
    page.frontmatter.group = 'Guide';
    // A page is named by its heading.
    page.name = /^# (.+)\n/.exec(page.content[0].text)[1];
    unlinkFolders(page.content);
  });
  converter.on(Converter.EVENT_END, ({ project: { readme } }) => {
    // The site has the name of the project above.
    readme[0].text = readme[0].text.replace(/^# .+\n/, '');
    unlinkFolders(readme);
  });
}

export default {
  plugin: [guide],
  entryPoints: Object.values(entries).map((path) => `../../../${path}`),
  projectDocuments: [...pages].map((page) => `../../../docs/${page}`),
  out: '../../../dist/docs',
  githubPages: false,
  navigation: { includeGroups: true },
  groupOrder: ['Guide', '*'],
  // Where the sources are served is not known here.
  disableSources: true,
  excludeProtected: true,
  excludeInternal: true,
  highlightLanguages: ['javascript', 'typescript', 'json', 'python', 'wgsl', 'bash', 'html'],
  requiredToBeDocumented: ['Class', 'Interface', 'Function', 'Variable', 'TypeAlias', 'Method'],
  // Types that follow from others are mentioned and not exported. Paths may be of folders, which the tests check.
  validation: { notExported: false, invalidPath: false, notDocumented: true },
  treatWarningsAsErrors: true,
};
