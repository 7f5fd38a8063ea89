/**
 * Reads from a WGSL file what the host must know to launch it: the params struct, the bindings, the workgroup size.
 * Pure: text in, plain data out. Runs at build and test time only; the parser is never shipped.
 */
import { ArrayInfo, StructInfo, WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import type { ParamField, Shader, ShaderBinding } from '../src/plan/shader';

/** What a permutation sets: names for `#if`, with the values that `${name}` in an import stands for. */
export type Flags = Readonly<Record<string, string>>;

/**
 * The text of a shader: `source` with each `#import path` line replaced by that file's text (once per shader), and with the lines
 * between `#if flag`, `#else` and `#endif` that `flags` choose. Throws a plain Error for an `#if` without its `#endif`, or the other way round.
 */
export function resolveText(source: string, read: (path: string) => string, flags: Flags = {}): string {
  const seen = new Set<string>();
  const expand = (text: string): string => {
    const open: boolean[] = [];
    const lines: string[] = [];
    for (const line of text.trimEnd().split('\n')) {
      const [, word, value] = /^#(if|else|endif|import)\b ?(\S*)$/.exec(line) ?? [];
      if (word === 'if') open.push(value in flags);
      else if (word === 'else' && open.length > 0) open.push(!open.pop());
      else if (word === 'endif' && open.length > 0) open.pop();
      else if (word === 'else' || word === 'endif') throw new Error(`#${word} without #if`);
      else if (open.includes(false)) continue;
      else if (word === 'import') {
        const path = value.replace(/\$\{(\w+)\}/g, (_, name: string) => flags[name]);
        if (seen.has(path)) continue;
        seen.add(path);
        lines.push(expand(read(path)));
      } else lines.push(line);
    }
    if (open.length > 0) throw new Error('#if without #endif');
    return lines.join('\n');
  };
  return `${expand(source)}\n`;
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
  const fields: Record<string, ParamField> = {};
  const bindings: Record<string, ShaderBinding> = {};
  let columns: string[] | undefined;
  let paramsSize = 0;
  resources.forEach((resource, i) => {
    if (resource.group !== 0 || resource.binding !== i) fail(`binding ${resource.name} is out of order`);
    if (resource.resourceType === 0) {
      if (resource.name !== 'params' || i !== 0) fail('the one uniform is called params and is binding 0');
      paramsSize = resource.size;
      for (const member of resource.members ?? []) {
        const type = member.type.name;
        if (type !== 'u32' && type !== 'i32' && type !== 'f32') fail(`params.${member.name} is ${type}`);
        fields[member.name] = { type: type as ParamField['type'], offset: member.offset };
      }
      if (Object.keys(fields).length === 0) fail('params has no fields');
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
    params: { size: paramsSize, fields },
    bindings,
    ...(columns ? { columns } : {}),
  };
}

/** The text of shaders.gen.d.ts: one module per shader, so that a wrong param or binding name is a compile error. */
export function declareShaders(shaders: readonly Shader[]): string {
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
  const all = `declare module 'virtual:shaders' {
  /** Every shader, by name. */
  export const shaders: Readonly<Record<string, import('../src/plan/shader').Shader>>;
}
`;
  return `// Generated from the WGSL files by shaders/plugin.ts. Do not edit.\n\n${[all, ...modules].join('\n')}`;
}
