/**
 * Reads from a WGSL file what the host must know to launch it: the params struct, the bindings, the workgroup size.
 * Pure: text in, plain data out. Runs at build and test time only; the parser is never shipped.
 */
import { ArrayInfo, StructInfo, WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import type { ParamField, Shader, ShaderBinding } from '../src/plan/shader';

const IMPORT = /^#import (\S+)$/gm;

/** Replaces each `#import lib/name.wgsl` line by that file's text (once per shader). */
export function resolveImports(source: string, read: (path: string) => string): string {
  const seen = new Set<string>();
  const expand = (text: string): string =>
    text.replace(IMPORT, (_, path: string) => {
      if (seen.has(path)) return '';
      seen.add(path);
      return expand(read(path)).trimEnd();
    });
  return expand(source);
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
  return `// Generated from shaders/*.wgsl by shaders/plugin.ts. Do not edit.\n\n${modules.join('\n')}`;
}
