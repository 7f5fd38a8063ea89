/**
 * The user's images that kept runs train on, so that a run goes on where the files are not at hand. Beside the runs, in the browser's
 * private file system: a file for each, as large as its images.
 */
import type { ImageSet } from '../../../src';
import { type Folder, overwrite } from '../../../src/keeping/slots';
import { RUNS } from '../../../src/keeping/store';
import { assertSameData, type DataFingerprint, fingerprintImages } from '../../../src/weights/fingerprint';

const IMAGES = 'webgpu-diffusion-images';
/** Most bytes of a run's images, and of all. */
const MOST = { ofRun: 32e6, ofAll: 100e6 };

export class KeptImages {
  private readonly root: () => Promise<Folder>;

  /** `root`: the browser's private file system. */
  constructor(root: () => Promise<Folder>) {
    this.root = root;
  }

  /**
   * Keeps the images of a kept run, unless they are kept already or there are too many. Rejects with the browser's error, for a full disk for
   * instance, and then keeps nothing of them.
   */
  async write(id: string, set: ImageSet): Promise<void> {
    const { images, labels = new Uint8Array() } = set;
    if (images.length > MOST.ofRun) return;
    const about = new TextEncoder().encode(JSON.stringify(fingerprintImages(set)));
    const file = new Blob([Uint32Array.of(about.length), about, images, labels] as BlobPart[]);
    await this.tidy();
    const folder = await this.folder();
    const sizes = await sizesIn(folder);
    const all = [...sizes.values()].reduce((sum, size) => sum + size, file.size);
    if (sizes.has(id) || all > MOST.ofAll) return;
    try {
      await overwrite(folder, id, new Uint8Array(await file.arrayBuffer()));
    } catch (error) {
      await folder.removeEntry(id).catch(() => {});
      throw error;
    }
  }

  /** The images of a kept run, if they are kept, whole, and `isRight`; others are deleted. */
  async read(id: string, isRight: (images: ImageSet) => boolean): Promise<ImageSet | undefined> {
    const folder = await this.folder();
    if (!(await sizesIn(folder)).has(id)) return undefined;
    const file = await (await folder.getFileHandle(id)).getFile();
    const images = setOf(new Uint8Array(await file.arrayBuffer()));
    if (images && isRight(images)) return images;
    await folder.removeEntry(id);
    return undefined;
  }

  /** Deletes the images whose runs are gone. */
  async tidy(): Promise<void> {
    const runs = await (await this.root()).getDirectoryHandle(RUNS, { create: true });
    const kept = new Set<string>();
    for await (const id of runs.keys()) kept.add(id);
    const folder = await this.folder();
    // Another tab may tidy up, too.
    for (const id of (await sizesIn(folder)).keys())
      if (!kept.has(id)) await folder.removeEntry(id).catch(() => {});
  }

  private async folder(): Promise<Folder> {
    return (await this.root()).getDirectoryHandle(IMAGES, { create: true });
  }
}

/** The files of a folder, in bytes. */
async function sizesIn(folder: Folder): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const name of folder.keys())
    sizes.set(name, (await (await folder.getFileHandle(name)).getFile()).size);
  return sizes;
}

/** The images in a file; undefined unless they are as they were written. */
function setOf(file: Uint8Array): ImageSet | undefined {
  try {
    const start = 4 + new DataView(file.buffer).getUint32(0, true);
    const about = JSON.parse(new TextDecoder().decode(file.subarray(4, start))) as DataFingerprint;
    const { count, height, width, channels, name, classNames } = about;
    const end = start + count * height * width * channels;
    const labels = about.labels === undefined ? {} : { labels: file.subarray(end) };
    const images = file.subarray(start, end);
    const set = { images, count, height, width, channels, name, classNames, ...labels };
    assertSameData(about, fingerprintImages(set));
    return set;
  } catch {
    return undefined;
  }
}
