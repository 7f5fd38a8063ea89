/**
 * Makes the site of the documentation, in dist/docs: README, the pages of docs/, and every exported name of the package from its comments.
 *
 *   npm run docs
 *
 * Fails over any warning: a name without a comment, a link that leads nowhere. (That every member has a comment is a test of the declarations.)
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Application, Converter } from 'typedoc';
import { entries } from './make_declarations.mjs';

const at = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** The pages that a newcomer needs, in reading order; the others follow by name. */
const FIRST = ['getting_started', 'page', 'commands', 'embedding', 'troubleshooting', 'step'];
const others = readdirSync(at('docs')).filter((file) => file.endsWith('.md'));
const pages = [...new Set([...FIRST.map((name) => `${name}.md`), ...others.sort()])];

const app = await Application.bootstrap({
  name: 'webgpu-diffusion',
  entryPoints: Object.values(entries).map(at),
  tsconfig: at('tsconfig.json'),
  projectDocuments: pages.map((page) => at(`docs/${page}`)),
  readme: at('README.md'),
  out: at('dist/docs'),
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
});

app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, page) => {
  page.frontmatter.group = 'Guide';
  // A page is named by its heading.
  page.name = /^# (.+)\n/.exec(page.content[0].text)[1];
  unlinkFolders(page.content);
});

/** Links to folders of the repository become their texts: the site has no such pages. */
function unlinkFolders(parts) {
  for (const [i, part] of parts.entries()) {
    if (part.kind !== 'relative-link' || part.target !== undefined) continue;
    const [before, after] = [parts[i - 1], parts[i + 1]];
    before.text = before.text.replace(/\[([^\]]*)\]\($/, '$1');
    after.text = after.text.replace(/^\)/, '');
    part.kind = 'text';
    part.text = '';
  }
}

const project = await app.convert();
if (!project) process.exit(1);
// The site has the name of the project above.
project.readme[0].text = project.readme[0].text.replace(/^# .+\n/, '');
unlinkFolders(project.readme);
app.validate(project);
await app.generateOutputs(project);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
