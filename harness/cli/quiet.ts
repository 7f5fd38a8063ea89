/**
 * Hides what Dawn writes on stderr: on Linux, two warnings about limits that nothing here requests. They come from C++, so they bypass
 * Node's streams, and no setting turns them off. So the command runs in a child process, whose stderr this process filters line by line.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';

const MARK = 'WEBGPU_DIFFUSION_CHILD';
/** The pack for a GPU gives its Node here: where a loader runs it, execPath is the loader. */
const NODE = 'WEBGPU_DIFFUSION_NODE';

const isForeign = (line: string) =>
  /^Warning: maxDynamic\w+BuffersPerPipelineLayout artificially reduced /.test(line);

/** `main`'s exit code, of a command that reaches for a GPU: where Dawn warns in a child, which runs this very command line. */
export function quietly(main: () => Promise<number>): Promise<number> {
  return process.platform === 'linux' && !isChild() ? runInChild() : main();
}

/** Whether this process is such a child. */
function isChild(): boolean {
  if (process.env[MARK] !== String(process.ppid)) return false;
  delete process.env[MARK];
  // A killed parent cannot forward signals: when the connection breaks, the child saves the run as at Ctrl-C.
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  return true;
}

/** The signals that end a run after it is saved: Ctrl-C, `kill`, a closed terminal. */
export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function runInChild(): Promise<number> {
  const child = spawn(
    process.env[NODE] ?? process.execPath,
    [...process.execArgv, ...process.argv.slice(1)],
    {
      stdio: ['inherit', 'inherit', 'pipe', 'ipc'],
      env: { ...process.env, [MARK]: String(process.pid) },
    },
  );
  // A terminal sends Ctrl-C to both processes; the child treats two in quick succession as one.
  for (const signal of STOP_SIGNALS) process.on(signal, () => child.kill(signal));
  createInterface({ input: child.stderr! }).on('line', (line) => {
    if (!isForeign(line)) process.stderr.write(`${line}\n`);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]));
  });
}
