/**
 * Reads from a WGSL file what the host must know to launch it: the params struct, the bindings, the workgroup size.
 * Pure: text in, plain data out. Runs at build and test time only; the parser is never shipped.
 */
import { ArrayInfo, StructInfo, WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import type { ParamField, Shader, ShaderBinding, StructLayout } from '../src/plan/shader';

/** What a permutation sets: names for `#if`, and the values that `$name` stands for. */
export type Flags = Readonly<Record<string, string>>;

/**
 * The text of a shader, with what begins with `#` carried out line by line:
 *
 *     #import path                    that file's text, once per shader
 *     #if flag … #else … #endif       the lines that `flags` choose
 *     #each i COUNT … #end            the lines COUNT times, with $i as 0, 1, …; COUNT is a number, or a const that stands above
 *
 * `$name`, or `${name}` where letters follow, is a flag's value, the number of an `#each`, or that of a const above. Throws a plain Error for what has no end or no beginning, or is not known.
 */
export function resolveText(source: string, read: (path: string) => string, flags: Flags = {}): string {
  const imported = new Set<string>();
  const done: string[] = [];
  const constant = (name: string) => done.join('\n').match(new RegExp(`^const ${name} = (\\d+)u;`, 'm'))?.[1];
  const numberOf = (count: string): number => {
    const number = Number(constant(count) ?? count);
    if (!Number.isInteger(number)) throw new Error(`#each: ${count} is no number, and no const above`);
    return number;
  };
  const expand = (lines: readonly string[], names: Flags): void => {
    const fill = (text: string) =>
      text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced: string | undefined, bare: string) => {
        const name = braced ?? bare;
        const value = names[name] ?? constant(name);
        if (value === undefined) throw new Error(`$${name} is not known`);
        return value;
      });
    for (let at = 0; at < lines.length; at++) {
      const [, word, rest] = /^\s*#(\w+) ?(.*)$/.exec(lines[at]) ?? [];
      if (word === undefined) done.push(fill(lines[at]));
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

/** The lines between the `begin` at `lines[at]` and its `end`, before and after an `#else`. */
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

/**
 * What `code` (with its imports resolved) declares. Throws a plain Error naming the shader for anything outside the house
 * rules: one compute entry point `main`, literal workgroup size, `params` a flat struct of u32 / i32 / f32 in a uniform,
 * everything else storage buffers, at most one of them a table, an array of structs of vec4u, contiguous binding numbers in group 0.
 */
export function reflect(name: string, code: string): Shader {
  const fail = (what: string): never => {
    throw new Error(`shaders/${name}.wgsl: ${what}`);
  };
  const parsed = new WgslReflect(code);
  const entry = parsed.entry.compute[0];
  if (parsed.entry.compute.length !== 1 || entry.name !== 'main') {
    fail(`has ${parsed.entry.compute.length} compute entry points; it must have exactly one, called main`);
  }
  const size = entry.attributes?.find((a) => a.name === 'workgroup_size')?.value ?? [];
  const workgroupSize = (Array.isArray(size) ? size : [size]).map(Number);
  if (workgroupSize.some((n) => !Number.isInteger(n))) fail('@workgroup_size must be literal numbers');
  while (workgroupSize.length < 3) workgroupSize.push(1);

  // The parser does not throw on bad syntax, it returns less: count the declarations in the text.
  const declared = code.match(/^@group\(0\) @binding\(\d+\)/gm)?.length ?? 0;
  const resources = [...parsed.uniforms, ...parsed.storage].sort((a, b) => a.binding - b.binding);
  if (resources.length !== declared || declared !== (code.match(/@binding\(/g)?.length ?? 0)) {
    fail(
      `declares ${declared} bindings, but ${resources.length} were understood; write each on a line of its own`,
    );
  }
  let params: StructLayout = { size: 0, fields: {} };
  const bindings: Record<string, ShaderBinding> = {};
  let columns: string[] | undefined;
  resources.forEach((resource, i) => {
    if (resource.group !== 0 || resource.binding !== i) fail(`binding ${resource.name} is out of order`);
    if (resource.resourceType === 0) {
      if (resource.name !== 'params' || i !== 0) fail('the one uniform is called params and is binding 0');
      params = layoutOf('params', resource.size, resource.members ?? [], fail);
    } else {
      const access = resource.access === 'read_write' ? 'read_write' : 'read';
      bindings[resource.name] = { binding: i, access };
      const element = resource.type instanceof ArrayInfo ? resource.type.format : undefined;
      if (element instanceof StructInfo) {
        if (columns || access !== 'read') fail(`${resource.name} is a second table, or not only read`);
        for (const { name, type } of element.members)
          if (type.name !== 'vec4u') fail(`${resource.name}[].${name} is ${type.name}`);
        columns = element.members.map((member) => member.name);
      }
    }
  });
  return {
    name,
    code,
    workgroupSize: workgroupSize as [number, number, number],
    params,
    bindings,
    ...(columns ? { columns } : {}),
  };
}

/** The layout of a flat struct of u32 / i32 / f32. */
function layoutOf(
  name: string,
  size: number,
  members: readonly {
    readonly name: string;
    readonly type: { readonly name: string };
    readonly offset: number;
  }[],
  fail: (what: string) => never,
): StructLayout {
  const fields: Record<string, ParamField> = {};
  for (const { name: field, type, offset } of members) {
    if (type.name !== 'u32' && type.name !== 'i32' && type.name !== 'f32')
      fail(`${name}.${field} is ${type.name}`);
    fields[field] = { type: type.name as ParamField['type'], offset };
  }
  if (members.length === 0) fail(`${name} has no fields`);
  return { size, fields };
}

/** The layout of the struct that `code` consists of; undefined if it is anything else. `name` is for errors. */
export function reflectStruct(name: string, code: string): StructLayout | undefined {
  if (!/^struct \w+ \{[^}]*\}$/.test(code.replace(/\/\/.*/g, '').trim())) return undefined;
  const [struct] = new WgslReflect(code).structs;
  return layoutOf(struct.name, struct.size, struct.members, (what) => {
    throw new Error(`shaders/${name}.wgsl: ${what}`);
  });
}

/**
 * The text of shaders.gen.d.ts: one module per shader, so that a wrong param or binding name is a compile error, and one per struct that
 * host and shaders share.
 */
export function declareShaders(
  shaders: readonly Shader[],
  structs: ReadonlyMap<string, StructLayout> = new Map(),
): string {
  const union = (names: string[]) => (names.length ? names.map((n) => `'${n}'`).join(' | ') : 'never');
  const modules = shaders.map(
    (s) => `declare module '*/${s.name}.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    ${union(Object.keys(s.params.fields))},
    ${union(Object.keys(s.bindings))}${s.columns ? `,\n    ${union([...s.columns])}` : ''}
  >;
  export default shader;
}
`,
  );
  const layouts = [...structs].map(
    ([name, { fields }]) => `declare module '*/${name}.wgsl' {
  const layout: import('../src/plan/shader').StructLayout<${union(Object.keys(fields))}>;
  export default layout;
}
`,
  );
  const all = `declare module 'virtual:shaders' {
  /** Every shader, by name. */
  export const shaders: Readonly<Record<string, import('../src/plan/shader').Shader>>;
}
`;
  return `// Generated from the WGSL files by shaders/plugin.ts. Do not edit.\n\n${[all, ...layouts, ...modules].join('\n')}`;
}
