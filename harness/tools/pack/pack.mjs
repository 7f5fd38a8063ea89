// npm run pack:gpu [-- FILE.tar.gz]
//
// Packs what a Linux machine with a GPU, but without network, npm or Node, needs to check, bench and train: see docs/performance.md.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** Files of the C library, which must come from one version of it. */
const glibc = /^(ld-linux.*|lib(c|m|dl|pthread|rt|resolv))\.so/;

const run = (command, ...args) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** The libraries that a file needs: pairs of name and path. */
const needs = (file) =>
  run('ldd', file)
    .split('\n')
    .map((line) => /=> (\/\S+)/.exec(line) ?? /^\s*(\/\S*ld-linux\S*)/.exec(line))
    .flatMap((found) => (found ? [[basename(found[1]), found[1]]] : []));

/** Where the system has a library; undefined if it has none. */
function systemLibrary(name) {
  const ldconfig = existsSync('/sbin/ldconfig') ? '/sbin/ldconfig' : 'ldconfig';
  const line = run(ldconfig, '-p')
    .split('\n')
    .find((l) => l.trim().startsWith(`${name} `));
  return line?.split(' => ')[1];
}

if (process.platform !== 'linux') fail(`pack:gpu runs on Linux, for Linux; this is ${process.platform}.`);
const [file = 'dist/webgpu-diffusion-gpu.tar.gz', ...more] = process.argv.slice(2);
if (more.length > 0 || !/^[^-].*\.(tar\.gz|tgz)$/.test(file))
  fail('pack:gpu takes nothing but the file to write: npm run pack:gpu -- FILE.tar.gz.');
const target = resolve(file);
const work = mkdtempSync(join(tmpdir(), 'webgpu-diffusion-pack-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
const folder = join(work, 'webgpu-diffusion-gpu');
const at = (...path) => join(folder, ...path);
for (const name of ['', 'cli', 'lib', 'glibc']) mkdirSync(at(name), { recursive: true });

// The command line, with shaders and digits; Dawn; and the Node that is running.
await build({ root, mode: 'lib', logLevel: 'error', build: { outDir: at('cli'), emptyOutDir: true } });
writeFileSync(at('cli', 'package.json'), '{ "type": "module" }\n');
const dawn = join('dist', `linux-${process.arch}`, 'dawn.node');
const webgpu = join(root, 'node_modules', 'webgpu');
for (const part of ['package.json', 'index.js', 'LICENSE.md', dawn])
  cpSync(join(webgpu, part), at('cli', 'node_modules', 'webgpu', part));
copyFileSync(realpathSync(process.execPath), at('node'));
chmodSync(at('node'), 0o755);
try {
  run('strip', at('node'));
} catch {
  console.log('No strip here: Node keeps its symbols.');
}

// The Vulkan loader, which Dawn opens by name; X11's libraries, which NVIDIA's Vulkan driver is linked with; and what all need.
const loader =
  systemLibrary('libvulkan.so.1') ??
  fail('libvulkan.so.1 is not installed here: apt-get install libvulkan1.');
const opened = [loader, ...['libX11.so.6', 'libXext.so.6'].map(systemLibrary)].filter(Boolean);
const libraries = new Map(opened.map((path) => [basename(path), path]));
for (const one of [at('node'), join(webgpu, dawn), ...opened])
  for (const [name, path] of needs(one)) libraries.set(name, path);
for (const [name, path] of libraries)
  copyFileSync(realpathSync(path), at(glibc.test(name) ? 'glibc' : 'lib', name));
writeFileSync(at('glibc', 'version'), `${process.report.getReport().header.glibcVersionRuntime}\n`);
copyFileSync(join(root, 'harness', 'tools', 'pack', 'run.sh'), at('run.sh'));
copyFileSync(join(root, 'docs', 'performance.md'), at('README.md'));

mkdirSync(dirname(target), { recursive: true });
run('tar', '-C', work, '-czf', target, basename(folder));
const mib = (statSync(target).size / 2 ** 20).toFixed(1);
console.log(`Wrote ${target}: ${mib} MiB, for Linux on ${process.arch}, Node ${process.version}.`);
console.log('On the machine with the GPU: tar -xzf it, then webgpu-diffusion-gpu/run.sh.');
process.exit(0);
