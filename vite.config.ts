import { defineConfig, esmExternalRequirePlugin, type PluginOption, type UserConfig } from 'vite';
import { POLICY } from './harness/page/policy.ts';
import { readCommit } from './harness/run/commit.ts';
import { fragments } from './harness/tools/build/fragments.ts';
import { repositoryUrl, textPages } from './harness/tools/build/texts_pages.ts';
import { wgsl } from './shaders/plugin.ts';
import { savedShaders } from './shaders/saved.ts';

/** Built, the page says itself what it may do, wherever it is served; the development server's own script does more. */
const policy: PluginOption = {
  name: 'policy',
  apply: 'build',
  transformIndexHtml: () => [
    {
      tag: 'meta',
      attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY },
      injectTo: 'head-prepend',
    },
  ],
};

/** The commit that is built in: empty where git knows none, since the clone where a package is installed is another. */
const commit = (): UserConfig['define'] => ({
  'import.meta.env.COMMIT': JSON.stringify(readCommit(import.meta.dirname) ?? ''),
});

/** What page, package and tests have in common. `assets`: files of data are files beside the scripts, not modules. */
export const common = (assets: boolean): UserConfig => ({
  plugins: [wgsl({ assets }), policy],
  base: './', // the page works below any path; the package finds its data beside itself
  worker: { format: 'es', plugins: () => [wgsl({ assets })] },
  // Its ES module, which neither Node nor the development server finds by itself.
  resolve: { alias: { gifenc: 'gifenc/dist/gifenc.esm.js' } },
  // Scripts of the old kind, which the development server must make modules of.
  optimizeDeps: {
    include: [
      ...['core', 'clike', 'javascript', 'typescript', 'wgsl'].map(
        (name) => `prismjs/components/prism-${name}.js`,
      ),
      // Which is found late, when a shader is edited; the server would load the page anew then.
      'wgsl_reflect/wgsl_reflect.module.js',
    ],
  },
  ssr: { noExternal: ['gifenc'] },
});

/**
 * Two uses of one file: the page (`vite`, `vite build` into dist/page), and the package (`vite build --mode lib` into dist/lib: the library
 * and the command line). The tests have test/lib/lanes/vitest.config.ts.
 */
export default defineConfig(({ mode, command, isSsrBuild }): UserConfig => {
  // For the page alone: what Node runs has no server to fetch from (harness/tools/build/load.mjs).
  const assets = command === 'build' && mode !== 'lib' && !isSsrBuild;
  if (mode !== 'lib') {
    const plugins = [fragments(), common(assets).plugins, savedShaders(), isSsrBuild ? [] : textPages()];
    // What runs from the sources asks when it runs (harness/cli/versions.ts).
    const repository = { 'import.meta.env.REPOSITORY': JSON.stringify(repositoryUrl()) ?? 'undefined' };
    const define = isSsrBuild ? {} : { ...commit(), ...repository };
    // Only the page's: the examples' pages import the built package, which need not be there.
    const optimizeDeps = { ...common(assets).optimizeDeps, entries: ['index.html'] };
    return {
      ...common(assets),
      plugins,
      define,
      optimizeDeps,
      build: { outDir: 'dist/page', target: 'es2022' },
    };
  }
  return {
    ...common(assets),
    define: commit(),
    publicDir: false,
    build: {
      outDir: 'dist/lib',
      target: 'es2022',
      license: { fileName: 'licenses.md' }, // of the libraries inside, which ask for it
      minify: false, // a library is read and debugged by those who embed it
      // As a library, or Vite would wrap every import() in something for pages that throws away why one failed.
      lib: {
        entry: {
          index: 'src/index.ts',
          digits: 'src/digits/index.ts',
          files: 'src/files/index.ts',
          node: 'src/node/index.ts',
          onnx: 'src/onnx/index.ts',
          pretrained: 'src/pretrained/index.ts',
          // A file between index and what is loaded later: esbuild loads at once all that a file in use imports.
          read_pictures: 'src/pictures/read_pictures.ts',
          three: 'src/three/index.ts',
          worker: 'src/worker/index.ts',
          cli: 'harness/cli.ts',
        },
        formats: ['es'],
      },
      rolldownOptions: {
        external: [/^node:/, 'webgpu', 'puppeteer', 'vite'],
        // What pngjs requires.
        plugins: [esmExternalRequirePlugin({ external: ['assert', 'buffer', 'stream', 'util', 'zlib'] })],
        output: {
          entryFileNames: '[name].js',
          chunkFileNames: 'chunks/[name]-[hash].js',
          assetFileNames: '[name][extname]',
        },
      },
    },
  };
});
