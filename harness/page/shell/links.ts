/** Links to the project's files. Only this file reads the repository's address, from package.json. */
import { repository } from '../../../package.json';
import { byId } from './dom';

/** The web address of a file on the main branch of a repository; undefined while package.json has a placeholder for its owner. Pure. */
export function fileAddress(path: string, url: string = repository.url): string | undefined {
  if (url.includes('/OWNER/')) return undefined;
  return `${url.replace(/^git\+/, '').replace(/\.git$/, '')}/blob/HEAD/${path}`;
}

/** A link to a file of the project by its path; only its subject and its path if it has no address. */
export function linkTo(path: string, subject: string): Node {
  const href = fileAddress(path);
  if (href) return Object.assign(document.createElement('a'), { href, textContent: subject });
  return document.createTextNode(`${subject} (${path})`);
}

/** Shows links to the documents about the page, in its footer. */
export function showReading(): void {
  byId('reading', HTMLElement).append(
    'Read on: ',
    linkTo('docs/page.md', 'a tour of this page'),
    ', ',
    linkTo('docs/tutorial.md', 'the tutorial, block by block'),
    ', ',
    linkTo('docs/recipe.md', 'from blots to digits'),
    ', ',
    linkTo('README.md', 'the source'),
    '.',
  );
}
