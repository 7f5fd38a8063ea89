/** Links to the project's files. */
import { repository } from '../../../package.json';
import { byId, make } from '../shell/dom';
import { fileAddress, textPage } from './texts';

/** A link to a file of the project by its path; only its subject if it has no address. */
export function linkTo(path: string, subject: string): Node {
  const page = textPage(path);
  const href = page ? `./docs/${page}` : fileAddress(path, repository.url);
  if (href) return make('a', { href }, subject);
  return document.createTextNode(`${subject} (${path})`);
}

/** Shows links to the texts, in the page's footer. */
export function showReading(): void {
  byId('reading', HTMLElement).append(
    'Read on: ',
    linkTo('docs/page.md', 'a tour of this page'),
    ', ',
    linkTo('docs/tutorial.md', 'the tutorial, block by block'),
    ', ',
    linkTo('docs/recipe.md', 'from blots to digits'),
    ', ',
    linkTo('docs/kernels.md', 'the kernels by themselves'),
    '.',
  );
}
