/** Addresses of the project's files. Only this file reads the repository's address, from package.json. */
import { repository } from '../../../package.json';
import { byId } from './dom';

const home = repository.url.replace(/^git\+/, '').replace(/\.git$/, '');

/** A file of the project, by its path, on its main branch. */
export const fileAddress = (path: string) => `${home}/blob/HEAD/${path}`;

/** A link to a file of the project. */
export function linkTo(path: string, text: string = path): HTMLAnchorElement {
  return Object.assign(document.createElement('a'), { href: fileAddress(path), textContent: text });
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
