/** `npm test`. The work is in lanes/run.ts, which Vite can load in every Node that this project supports. */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const { module } = await runnerImport('./lib/lanes/run.ts', {
  root: fileURLToPath(new URL('.', import.meta.url)),
  configFile: false,
  logLevel: 'error',
});
process.exit(
  await module.main(process.argv.slice(2)).catch((error) => {
    console.error(error.message);
    return 1;
  }),
);
