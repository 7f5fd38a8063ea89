/** The declarations of a WGSL file, as shaders/reflect.ts reads them at build time. */

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
