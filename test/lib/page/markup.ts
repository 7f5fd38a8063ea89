/** The page's markup with the fragments of its rooms, as it is built and served. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withFragments } from '../../../harness/tools/build/fragments';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The files of the rooms. */
export const fragmentPaths: string[] = [];
export const markup = withFragments(readFileSync(`${root}/index.html`, 'utf8'), root, (path) =>
  fragmentPaths.push(path),
);
