/** The kernel of docs/kernels.md, added to a copy of the project word for word, and all that the page says to try. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { copyTree } from '../copy_tree';
import { blocksOf } from '../docs_code';
import { shell } from './shell';

const PAGE = 'docs/kernels.md';

export const addedKernel = {
  name: PAGE,
  async run(folder: string): Promise<string> {
    copyTree(folder);
    const blocks = blocksOf(PAGE);
    const added = blocks.filter(({ newFile }) => newFile);
    for (const { newFile, code } of added) await writeFile(join(folder, newFile!), code);
    const commands = blocks
      .filter(({ language }) => language === 'sh')
      .flatMap(({ code }) => code.trim().split('\n'))
      .map((line) => line.replace(/ +#.*/, '').split(' '));
    for (const [command, ...args] of commands) await shell(folder, command, ...args);
    if (added.length < 4 || commands.length < 4) throw new Error(`${PAGE} has no whole kernel any more.`);
    return `${added.length} files added; ${commands.length} commands passed`;
  },
};
