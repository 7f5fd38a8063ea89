/** The pages that say what to run in the project: each command, in a copy of it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { copyTree, linkModules } from '../../lib/copy_tree';
import { blocksOf, commandsOf } from '../docs_code';
import { shell } from './shell';

const KERNELS = 'docs/kernels.md';
const CONTRIBUTING = 'CONTRIBUTING.md';

/** The kernel of docs/kernels.md, added to the project word for word, and all that the page says to try. */
const addedKernel = {
  name: KERNELS,
  async run(folder: string): Promise<string> {
    copyTree(folder);
    linkModules(folder);
    const added = blocksOf(KERNELS).filter(({ newFile }) => newFile);
    for (const { newFile, code } of added) await writeFile(join(folder, newFile!), code);
    const commands = commandsOf(KERNELS);
    for (const [command, ...args] of commands) await shell(folder, command, ...args);
    if (added.length < 4 || commands.length < 4) throw new Error(`${KERNELS} has no whole kernel any more.`);
    return `${added.length} files added; ${commands.length} commands passed`;
  },
};

/** A contributor's first hour: all commands of CONTRIBUTING.md in a fresh clone, and the mistake that it suggests. */
const firstHour = {
  name: CONTRIBUTING,
  async run(folder: string): Promise<string> {
    copyTree(folder);
    // Whole runs of the tests take longer than all else here.
    const commands = commandsOf(CONTRIBUTING).filter(
      (words) => !/^npm (test|run test:all)$/.test(words.join(' ')),
    );
    for (const [command, ...args] of commands) await shell(folder, command, ...args);

    const text = await readFile(join(folder, CONTRIBUTING), 'utf8');
    const [_, wrong, right, file] = /Write `(.+?)` in\s+place of `(.+?)` in\s+`(.+?)`/.exec(text) ?? [];
    const lane = commands.find((words) => words.includes('--lane'));
    if (!file || !lane || commands.length < 6)
      throw new Error(`${CONTRIBUTING} lacks a kernel to change or its commands.`);
    const shader = await readFile(join(folder, file), 'utf8');
    if (!shader.includes(right)) throw new Error(`${file} has no ${right}.`);
    await writeFile(join(folder, file), shader.replaceAll(right, wrong));
    const [command, ...args] = lane;
    const said = await shell(folder, command, ...args).then(
      () => '',
      (error: Error) => error.message,
    );
    if (!/[1-9]\d* failed/.test(said))
      throw new Error(`${lane.join(' ')} did not find ${wrong} in ${file}: ${said}`);
    return `${commands.length} commands passed; a wrong kernel was found`;
  },
};

export const guides = [addedKernel, firstHour];
