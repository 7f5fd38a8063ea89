/** The kernel of docs/adding_a_kernel.md, added to a copy of the project word for word, and all that the page says to try. */
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { blocksOf } from '../docs_code';
import { shell } from './shell';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = 'docs/adding_a_kernel.md';

export const addedKernel = {
  name: PAGE,
  async run(folder: string): Promise<string> {
    const listed = await shell(root, 'git', 'ls-files', '--cached', '--others', '--exclude-standard', '-z');
    for (const file of listed.split('\0').filter(Boolean)) {
      await mkdir(join(folder, dirname(file)), { recursive: true });
      // What is deleted but not committed is listed, too.
      await cp(join(root, file), join(folder, file)).catch((error) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
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
