/** The command line's store of the fastest kernel variants: one JSON file per user. */
import { mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import type { TuningCache } from '../../src/trust/cache';
import { writeWhole } from './files';

/** Most choices in the file, the newest ones, so that it does not grow with each version of each shader. */
const MOST_CHOICES = 2000;

/** WEBGPU_DIFFUSION_CACHE names the folder; by default it is the platform's folder for files that can be recreated. */
export function tuningFile(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
  home = homedir(),
): string {
  const own = env.WEBGPU_DIFFUSION_CACHE;
  if (own) return join(own, 'tuning.json');
  // The XDG specification says to ignore relative paths.
  const caches =
    platform === 'win32'
      ? (env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'))
      : platform === 'darwin'
        ? join(home, 'Library', 'Caches')
        : isAbsolute(env.XDG_CACHE_HOME ?? '')
          ? env.XDG_CACHE_HOME!
          : join(home, '.cache');
  return join(caches, 'webgpu-diffusion', 'tuning.json');
}

/**
 * A cache in the file `path`. A file that cannot be read or written costs a new measurement, never a run: `say` gets a message, once for
 * each kind of failure.
 */
export function fileCache(path: string, say: (line: string) => void): TuningCache {
  const reported = new Set<string>();
  const report = (what: string, line: string) => {
    if (!reported.has(what)) say(line);
    reported.add(what);
  };
  /** Reads the file each time: another process may have added to it. */
  const read = async (): Promise<Map<string, string>> => {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') report('read', `The remembered kernel choices cannot be read: ${message}.`);
      return new Map();
    }
    const choices = parse(text);
    if (!choices) report('parse', `${path} does not hold kernel choices; it is ignored and written anew.`);
    return choices ?? new Map();
  };
  return {
    get: async (key) => (await read()).get(key),
    set: async (key, value) => {
      const choices = await read();
      choices.delete(key); // The newest choices come last.
      choices.set(key, value);
      const newest = [...choices].slice(-MOST_CHOICES);
      try {
        await mkdir(dirname(path), { recursive: true });
        await writeWhole(path, `${JSON.stringify(Object.fromEntries(newest), null, 1)}\n`);
      } catch (error) {
        report('write', `The kernel choices are not remembered: ${(error as Error).message}`);
      }
    },
  };
}

/** Parses `text`; undefined unless it is a JSON object of strings. */
function parse(text: string): Map<string, string> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const entries = Object.entries(value);
    return entries.every(([_, v]) => typeof v === 'string') ? new Map(entries) : undefined;
  } catch {
    return undefined;
  }
}
