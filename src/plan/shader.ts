/** The declarations of a WGSL file, as shaders/reflect.ts reads them at build time. */
import { type Flags, type LoadTexts, loadText } from './text';

export interface ParamField {
  readonly type: 'u32' | 'i32' | 'f32';
  readonly offset: number;
}

/** A flat struct of numbers: a uniform's contents, or a buffer that host and shaders share. Sizes and offsets in bytes. */
export interface StructLayout<Field extends string = string> {
  readonly size: number;
  readonly fields: Readonly<Record<Field, ParamField>>;
}

export interface ShaderBinding {
  readonly binding: number;
  readonly access: 'read' | 'read_write';
}

/** A WGSL file and its declarations. Only the file states a layout; nothing here is typed by hand. */
export interface Shader<
  Param extends string = string,
  Binding extends string = string,
  Column extends string = string,
> {
  readonly name: string;
  /** Hash of the text: a shader that changes gets another hash. */
  readonly hash: string;
  /** The text, assembled from files that are loaded when a network first needs them: see text.ts. */
  readonly code: () => Promise<string>;
  readonly workgroupSize: readonly [number, number, number];
  readonly params: StructLayout<Param>;
  readonly bindings: Readonly<Record<Binding, ShaderBinding>>;
  /** Columns of the shader's table, if it has one: the binding that is an array of structs whose members are all vec4u. */
  readonly columns?: readonly Column[];
}

/** The entries of a list such as `input output:read_write`; `usual` is what follows the colon where there is none. */
const parseList = <Kind>(list: string, usual: Kind): [name: string, kind: Kind][] =>
  list.split(' ').map((entry) => {
    const [name, kind = usual] = entry.split(':');
    return [name, kind as Kind];
  });

/**
 * A shader, from arguments that take little room in a bundle, which has about a hundred. `fields`, of 4 bytes each, and `bindings` are in their
 * order; `file`, `flags` and `groups` make its text.
 */
export function declared(
  name: string,
  hash: string,
  workgroupSize: Shader['workgroupSize'],
  fields: string,
  bindings: string,
  file: string,
  flags: Flags,
  groups: readonly LoadTexts[],
  columns?: readonly string[],
): Shader {
  const members = fields ? parseList<ParamField['type']>(fields, 'u32') : [];
  const first = members.length > 0 ? 1 : 0;
  return {
    name,
    hash,
    workgroupSize,
    params: {
      size: 4 * members.length,
      fields: Object.fromEntries(members.map(([field, type], i) => [field, { type, offset: 4 * i }])),
    },
    bindings: Object.fromEntries(
      parseList<ShaderBinding['access']>(bindings, 'read').map(([binding, access], i) => [
        binding,
        { binding: first + i, access },
      ]),
    ),
    ...(columns && { columns }),
    code: () => loadText(file, flags, groups),
  };
}
