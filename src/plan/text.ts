/**
 * Assembles a shader's text, when a network first needs it, from files that many shaders share. The assembled texts together are six times
 * as large.
 */

/** The flags of a permutation: names that `#if` tests, and values that replace `$name`. */
export type Flags = Readonly<Record<string, string>>;

/**
 * The text of a shader, with its `#` directives executed line by line:
 *
 *     #import path                    that file's text, once per shader
 *     #if flag … #else … #endif       the lines that `flags` choose
 *     #each i COUNT … #end            the lines COUNT times, with $i as 0, 1, …; COUNT is a number, or a const declared above
 *
 * `$name`, or `${name}` if letters follow, stands for the value of a flag, the index of an `#each`, or the value of a const above. Throws a
 * plain Error for a block without an end, an end without a block, or an unknown name.
 */
export function resolveText(source: string, read: (path: string) => string, flags: Flags = {}): string {
  const imported = new Set<string>();
  const done: string[] = [];
  const constants = new Map<string, string>();
  const add = (line: string) => {
    done.push(line);
    const [_, name, value] = /^const (\w+) = (\d+)u;/.exec(line) ?? [];
    if (name !== undefined && !constants.has(name)) constants.set(name, value);
  };
  const numberOf = (count: string): number => {
    const number = Number(constants.get(count) ?? count);
    if (!Number.isInteger(number)) throw new Error(`#each: ${count} is no number, and no const above`);
    return number;
  };
  const expand = (lines: readonly string[], names: Flags): void => {
    const fill = (text: string) =>
      text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced: string | undefined, bare: string) => {
        const name = braced ?? bare;
        const value = names[name] ?? constants.get(name);
        if (value === undefined) throw new Error(`$${name} is not known`);
        return value;
      });
    for (let at = 0; at < lines.length; at++) {
      const [_, word, rest] = /^\s*#(\w+) ?(.*)$/.exec(lines[at]) ?? [];
      if (word === undefined) add(fill(lines[at]));
      else if (word === 'import') {
        const path = fill(rest);
        if (!imported.has(path)) {
          imported.add(path);
          expand(read(path).trimEnd().split('\n'), flags);
        }
      } else if (word === 'if') {
        const { body, otherwise, end } = blockAt(lines, at, 'if', 'endif');
        expand(rest in flags ? body : otherwise, names);
        at = end;
      } else if (word === 'each') {
        const [name, count] = rest.split(' ');
        const { body, end } = blockAt(lines, at, 'each', 'end');
        for (let i = 0; i < numberOf(fill(count)); i++) expand(body, { ...names, [name]: `${i}` });
        at = end;
      } else throw new Error(`#${word} has no beginning`);
    }
  };
  expand(source.trimEnd().split('\n'), flags);
  return `${done.join('\n')}\n`;
}

/** The lines between the `begin` at `lines[at]` and its `end`: `body` before an `#else`, `otherwise` after it. */
function blockAt(lines: readonly string[], at: number, begin: string, end: string) {
  let depth = 0;
  let middle: number | undefined;
  for (let i = at; i < lines.length; i++) {
    const word = /^\s*#(\w+)/.exec(lines[i])?.[1];
    if (word === begin) depth++;
    else if (word === 'else' && depth === 1 && begin === 'if') middle = i;
    else if (word === end && --depth === 0) {
      return { body: lines.slice(at + 1, middle ?? i), otherwise: lines.slice((middle ?? i) + 1, i), end: i };
    }
  }
  throw new Error(`#${begin} without #${end}`);
}

/** The text of the shader that `file` makes with `flags`. */
export function shaderText(file: string, read: (path: string) => string, flags: Flags): string {
  const text = resolveText(read(file), read, flags);
  return 'subgroups' in flags ? `enable subgroups;\n${text}` : text;
}

/** Loads some files, by path. */
export type LoadTexts = () => Promise<Readonly<Record<string, string>>>;

/** Loads the files, then assembles the text. */
export async function loadText(file: string, flags: Flags, groups: readonly LoadTexts[]): Promise<string> {
  const files: Record<string, string> = Object.assign(
    {},
    ...(await Promise.all(groups.map((load) => load()))),
  );
  return shaderText(file, (path) => files[path], flags);
}
