// The package's bare entry does not load in Node; its module build does, and has the same types.
declare module 'wgsl_reflect/wgsl_reflect.module.js' {
  export * from 'wgsl_reflect';
}
