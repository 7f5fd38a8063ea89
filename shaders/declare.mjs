/** `npm run prepare`: writes shaders.gen.d.ts, the types of the kernels' shaders, and reflected.gen.json, which are not in git. Vite does so, too, whatever it runs. */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const plugin = fileURLToPath(new URL('plugin.ts', import.meta.url));
const { module } = await runnerImport(plugin, { configFile: false, logLevel: 'error' });
module.writeDeclarations();
