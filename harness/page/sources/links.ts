/** Links to the project's files. */
import { make } from '../shell/dom';
import { fileAddress, textPage } from './texts';

/** A link to a file of the project by its path; only its subject if it has no address. */
export function linkTo(path: string, subject: string): Node {
  const page = textPage(path);
  const href = page ? `./docs/${page}` : fileAddress(path, import.meta.env.REPOSITORY);
  return href ? make('a', { href }, subject) : document.createTextNode(subject);
}
