/**
 * Reads the declarations that the host needs to launch a WGSL file: the params struct, the bindings, the workgroup size. Pure: text in, plain
 * data out. Runs at build and test time only; the parser is never shipped.
 */
import { ArrayInfo, StructInfo, WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { fnv1a } from '../src/base/hash.ts';
import type { ParamField, Shader, ShaderBinding, StructLayout } from '../src/plan/shader';

/**
 * The shipped form of a file: without comments, indentation and empty lines. Nothing is renamed or moved, so that a compiler sees the same
 * tokens. (WGSL has no strings, so two slashes always begin a comment.)
 */
export function strip(text: string): string {
  if (text.includes('/*')) throw new Error('a comment between /* and */: write // before each of its lines');
  const lines = text.split('\n').map((line) => line.replace(/\/\/.*/, '').trim());
  return `${lines.filter(Boolean).join('\n')}\n`;
}

/** As a shader has it, of the text that the GPU gets. */
export const hashOfText = (text: string): string => fnv1a(new TextEncoder().encode(text));

/** A shader together with its text. */
export interface Reflection extends Shader {
  readonly text: string;
}

/**
 * The declarations of `code` (with its imports resolved). Throws a plain Error naming the shader for anything outside the house rules: one
 * compute entry point `main`, literal workgroup size, `params` a flat struct of u32 / i32 / f32 in a uniform, everything else storage
 * buffers, at most one of them a table, an array of structs of vec4u, contiguous binding numbers in group 0.
 */
export function reflect(name: string, code: string): Reflection {
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
    hash: hashOfText(code),
    text: code,
    code: async () => code,
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

/** The names of each kernel's shaders: `conv2d.tile` is `tile` of conv2d, and `conv2d` is `plain`. */
export function groupByKernel(
  names: Iterable<string>,
): ReadonlyMap<string, [technique: string, name: string][]> {
  const kernels = new Map<string, [string, string][]>();
  for (const name of names) {
    const [kernel, technique = 'plain'] = name.split('.');
    kernels.set(kernel, [...(kernels.get(kernel) ?? []), [technique, name]]);
  }
  return kernels;
}

/**
 * The text of shaders.gen.d.ts: one module per kernel, so that a wrong name of a shader, a param or a binding is a compile error, one per
 * struct that host and shaders share, and one of the references of the kernels `referenced`.
 */
export function declareShaders(
  shaders: readonly Shader[],
  structs: ReadonlyMap<string, StructLayout> = new Map(),
  referenced: readonly string[] = [],
): string {
  const union = (names: string[]) => (names.length ? names.map((n) => `'${n}'`).join(' | ') : 'never');
  const typeOf = ({ params, bindings, columns }: Shader) => {
    const names = [Object.keys(params.fields), Object.keys(bindings), ...(columns ? [[...columns]] : [])];
    return `import('../src/plan/shader').Shader<${names.map(union).join(', ')}>`;
  };
  const types = new Map(shaders.map((shader) => [shader.name, typeOf(shader)]));
  const modules = [...groupByKernel(types.keys())].map(
    ([kernel, own]) => `declare module 'virtual:kernel/${kernel}' {
  const shaders: {
${own.map(([technique, name]) => `    readonly ${technique}: ${types.get(name)};\n`).join('')}  };
  export default shaders;
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
  const record = (name: string) =>
    referenced
      .map((kernel) => `    readonly ${kernel}: typeof import('../src/reference/${kernel}').${name};\n`)
      .join('');
  const all = `declare module 'virtual:shaders' {
  /** Every shader, by name. */
  export const shaders: Readonly<Record<string, import('../src/plan/shader').Shader>>;
  /** The text of each, as it is shipped, for tests. */
  export const texts: Readonly<Record<string, string>>;
}

declare module 'virtual:references' {
  /** The references of the kernels that a network may use. */
  export const references: {
${record('reference')}  };
  /** The self-check's small case of each. */
  export const smallCases: {
${record('small')}  };
}
`;
  return [all, ...layouts, ...modules].join('\n');
}
