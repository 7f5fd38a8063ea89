import { EngineError } from '../errors';

/** Whether `bytes` begin like gzip. A name or a content type says less: servers unpack `.gz` files on the way, or not. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Deflate packs at most 258 bytes into 2 bits, so no honest file unpacks to more than this many times its size. */
const maxRatio = 1032;

/**
 * Unpacks gzip whose content says in its first bytes how long it is, and stops as soon as more than that arrives: a few
 * kilobytes can unpack to gigabytes. Less may come back than was promised; that is for the caller to judge.
 *
 * @param packed the gzip bytes
 * @param name what errors call them
 * @param headSize bytes that `promisedSize` wants to see; it gets fewer only if there are no more
 * @param promisedSize the length in bytes that the content promises for itself; may throw
 * @throws EngineError `data` if the gzip is damaged, or holds or promises what cannot be; the signal's reason if aborted
 */
export async function gunzip(
  packed: Uint8Array,
  name: string,
  headSize: number,
  promisedSize: (head: Uint8Array) => number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = inSlices(packed).pipeThrough(new DecompressionStream('gzip')).getReader();
  const content = new Content(packed.length, name, headSize, promisedSize);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      if (done) return content.finish();
      content.add(value);
    }
  } catch (cause) {
    // The stream may have failed already, and then cancelling repeats its error.
    reader.cancel().catch(() => {});
    if (cause instanceof EngineError || signal?.aborted) throw cause;
    const why = cause instanceof Error && cause.message ? ` (${cause.message.replace(/\.$/, '')})` : '';
    throw new EngineError('data', `${name} is gzip, but does not unpack${why}. Download it again.`, {
      cause,
    });
  }
}

/** What has been unpacked. Its memory grows with what has come, not with what is promised, which may be far more. */
class Content {
  private readonly packedSize: number;
  private readonly name: string;
  private readonly headSize: number;
  private readonly promisedSize: (head: Uint8Array) => number;
  /** Known when the head is there. */
  private promised: number | undefined;
  private memory = new Uint8Array(0);
  private filled = 0;

  constructor(
    packedSize: number,
    name: string,
    headSize: number,
    promisedSize: (head: Uint8Array) => number,
  ) {
    this.packedSize = packedSize;
    this.name = name;
    this.headSize = headSize;
    this.promisedSize = promisedSize;
  }

  add(chunk: Uint8Array): void {
    const needed = this.filled + chunk.length;
    if (needed > this.memory.length) {
      // Never more than twice what has come.
      const twice = Math.min(2 * this.memory.length, this.promised ?? needed);
      const larger = new Uint8Array(Math.max(needed, twice));
      larger.set(this.memory);
      this.memory = larger;
    }
    this.memory.set(chunk, this.filled);
    this.filled = needed;
    if (needed >= this.headSize) this.checkPromise();
  }

  finish(): Uint8Array<ArrayBuffer> {
    this.checkPromise();
    return this.memory.subarray(0, this.filled);
  }

  private checkPromise(): void {
    const { name, packedSize, filled } = this;
    this.promised ??= this.promisedSize(this.memory.subarray(0, filled));
    const most = packedSize * maxRatio;
    if (this.promised > most) {
      throw new EngineError(
        'data',
        `${name} promises ${this.promised} bytes, but ${packedSize} bytes of gzip cannot hold more than ${most}. ` +
          'It is damaged or cut short; download it again.',
      );
    }
    if (filled > this.promised) {
      throw new EngineError(
        'data',
        `${name} unpacks to more than the ${this.promised} bytes that its header promises. ` +
          'It is damaged or not what it says it is; download it again.',
      );
    }
  }
}

/** Small slices bound how much one turn of the decompressor can produce before the promise is checked: 17 MB. */
function inSlices(bytes: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> {
  const step = 1 << 14;
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + step));
      at += step;
    },
  });
}
