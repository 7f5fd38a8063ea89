// Generated from shaders/*.wgsl by vite.config.ts. Do not edit.

declare module '*/swish.wgsl' {
  const shader: import('../src/kernel').Shader<
    'vec4s' | 'first_group',
    'input' | 'output'
  >;
  export default shader;
}
