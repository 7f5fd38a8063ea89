import { asBytes } from '../base/bytes';
import { dataError, typeName } from '../base/errors';

/**
 * The source of a file's bytes. A string is a URL; in Node, where a relative URL has no base, a string without a scheme is a path. `Memory`
 * is the memory type of bytes given directly, which results may share.
 */
export type FileSource<Memory extends ArrayBufferLike = ArrayBufferLike> =
  | string
  | URL
  | Blob
  | ArrayBuffer
  | Uint8Array<Memory>;

const isURL = (source: FileSource): source is URL => typeName(source) === 'URL';
const isBlob = (source: FileSource): source is Blob => /^(Blob|File)$/.test(typeName(source));
const isRemote = (source: FileSource): source is string | URL | Blob =>
  typeof source === 'string' || isURL(source) || isBlob(source);

/** The source's name in error messages, as a person knows it: its URL, path or file name. */
export function sourceName(source: FileSource, otherwise: string): string {
  let name = otherwise;
  if (typeof source === 'string' || isURL(source)) name = String(source);
  else if (isBlob(source) && 'name' in source) name = String(source.name);
  // A data: URL may be megabytes long.
  return name.length <= 200 ? name : `${name.slice(0, 80)}…${name.slice(-40)}`;
}

/**
 * All bytes of `source`, without unpacking; bytes that are already in memory are not copied.
 *
 * @throws EngineError `data` if it cannot be read, `argument` if it is not a source at all; the signal's reason if aborted.
 */
export async function readSource<Memory extends ArrayBufferLike = ArrayBuffer>(
  source: FileSource<Memory>,
  name: string,
  signal?: AbortSignal,
): Promise<Uint8Array<Memory | ArrayBuffer>> {
  signal?.throwIfAborted();
  if (!isRemote(source)) {
    return asBytes(source, name, ', a URL, Blob or File') as Uint8Array<Memory | ArrayBuffer>;
  }
  try {
    const bytes = isBlob(source) ? await source.arrayBuffer() : await readUrl(source, signal);
    signal?.throwIfAborted();
    return asBytes(bytes, name) as Uint8Array<ArrayBuffer>;
  } catch (cause) {
    signal?.throwIfAborted();
    const why = String((cause as Error | undefined)?.message ?? cause).replace(/\.$/, '');
    throw dataError(`${name} could not be read: ${why}. Check that it exists and can be reached.`, { cause });
  }
}

async function readUrl(url: string | URL, signal?: AbortSignal): Promise<ArrayBuffer | Uint8Array> {
  // Node's fetch supports neither file: URLs nor paths. Node's file system is looked up at run time, because a bundler that sees an import
  // of a node: module breaks a build for browsers. A scheme has at least two letters, so that C:\ stays a path.
  const isPath = typeof url === 'string' && !/^[a-z][a-z0-9+.-]+:/i.test(url);
  const fs = globalThis.process?.getBuiltinModule?.('node:fs/promises');
  if (fs && isPath) return fs.readFile(url, { signal });
  if (fs && String(url).startsWith('file:')) return fs.readFile(new URL(url), { signal });

  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText}`.trim());
  return response.arrayBuffer();
}
