/** The files of the packed package: within its size, nothing twice, no source maps. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { shell } from './shell';

/** Bytes of the .tgz, which npm calls the package size: what an installation downloads. */
const LIMIT = 5.2e6;

/** A line of at least this length, in characters, is data or the text of a shader. */
const LONG = 500;

export const contents = {
  name: 'the packed files',
  async run(folder: string, tarball: string): Promise<string> {
    await shell(folder, 'tar', '-xzf', tarball);
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map((file) => {
        const path = join(file.parentPath, file.name);
        return { path: relative(folder, path), bytes: readFileSync(path) };
      });
    const problems = [...files.filter(isMapped).map(({ path }) => `source map: ${path}`), ...repeated(files)];
    const { size } = statSync(tarball);
    if (size > LIMIT) problems.push(`The package has ${size} bytes; at most ${LIMIT} are allowed.`);
    if (problems.length > 0) throw new Error(problems.join('\n'));
    const unpacked = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
    return `${files.length} files, nothing twice, no source maps; ${mega(size)} MB packed, ${mega(unpacked)} MB unpacked`;
  },
};

interface File {
  readonly path: string;
  readonly bytes: Buffer;
}

const mega = (bytes: number) => (bytes / 1e6).toFixed(2);
const isMapped = ({ path, bytes }: File) =>
  path.endsWith('.map') || (/\.[jt]s$/.test(path) && bytes.includes('//# sourceMappingURL='));

/** Files of the same content, and long lines that stand in two places. */
function repeated(files: readonly File[]): string[] {
  const places = new Map<string, string[]>();
  const note = (content: Buffer | string, place: string) => {
    const hash = createHash('sha256').update(content).digest('hex');
    places.set(hash, [...(places.get(hash) ?? []), place]);
  };
  for (const { path, bytes } of files) {
    note(bytes, path);
    // The value alone, whatever it is called: `var file_default = "..."`.
    for (const [i, line] of bytes.toString().split('\n').entries())
      for (const value of line.match(/"(?:[^"\\]|\\.)*"/g) ?? [])
        if (value.length >= LONG) note(value, `${path}:${i + 1}`);
  }
  return [...places.values()].filter((same) => same.length > 1).map((same) => `twice: ${same.join(', ')}`);
}
