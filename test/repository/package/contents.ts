/** The files of the packed package: within its size, none twice, no source maps. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { shell } from './shell';

/** Bytes of the .tgz, which npm calls the package size: what an installation downloads. */
const LIMIT = 5.8e6;

export const contents = {
  name: 'the packed files',
  async run(folder: string, tarball: string): Promise<string> {
    await shell(folder, 'tar', '-xzf', tarball);
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name))
      .map((path) => ({ name: relative(folder, path), text: readFileSync(path, 'latin1') }));
    const { size } = statSync(tarball);
    const problems = files.flatMap(({ name, text }, i) => {
      const first = files.findIndex((other) => other.text === text);
      const isMapped =
        name.endsWith('.map') || (/\.[jt]s$/.test(name) && text.includes('//# sourceMappingURL='));
      return [
        ...(first < i ? [`twice: ${files[first].name}, ${name}`] : []),
        ...(isMapped ? [`source map: ${name}`] : []),
      ];
    });
    if (size > LIMIT) problems.push(`The package has ${size} bytes; at most ${LIMIT} are allowed.`);
    if (problems.length > 0) throw new Error(problems.join('\n'));
    return `${files.length} files, none twice, no source maps; ${(size / 1e6).toFixed(2)} MB packed`;
  },
};
