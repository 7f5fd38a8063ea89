/** What a WGSL file declares, as shaders/reflect.ts reads it at build time. */

export interface ParamField {
  readonly type: 'u32' | 'i32' | 'f32';
  readonly offset: number;
}

/** A flat struct of numbers: what a uniform holds, or a buffer that host and shaders share. Sizes and offsets in bytes. */
export interface StructLayout<Field extends string = string> {
  readonly size: number;
  readonly fields: Readonly<Record<Field, ParamField>>;
}

export interface ShaderBinding {
  readonly binding: number;
  readonly access: 'read' | 'read_write';
}

/** A WGSL file and what it declares. Only the file states a layout; nothing here is typed in by hand. */
export interface Shader<
  Param extends string = string,
  Binding extends string = string,
  Column extends string = string,
> {
  readonly name: string;
  /** Of its text: another hash, another shader. */
  readonly hash: string;
  /** Its text, put together of files that are loaded once a network needs them: see text.ts. */
  readonly code: () => Promise<string>;
  readonly workgroupSize: readonly [number, number, number];
  readonly params: StructLayout<Param>;
  readonly bindings: Readonly<Record<Binding, ShaderBinding>>;
  /** Of its table, if it has one: the array of structs among the bindings, whose members are all vec4u. */
  readonly columns?: readonly Column[];
}
