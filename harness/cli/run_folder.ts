/** The folder of a run: reads what is there already and keeps other writers out. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { EngineError } from '../../src/base/errors';
import { type Checkpoint, loadCheckpoint } from '../../src/weights/checkpoint';
import { quoted, UsageError } from './args';
import { prepareFolder, readWhole } from './files';
import { type FolderLock, lockFolder } from './lock';

export const CHECKPOINT = 'checkpoint.safetensors';
export const MODEL = 'model.safetensors';

interface Given {
  readonly out?: string;
  readonly resume?: string;
  readonly overwrite?: boolean;
}

/** Throws if there is a model in the folder. */
export function checkNoModel(folder: string): void {
  if (!existsSync(join(folder, MODEL))) return;
  throw new UsageError(
    `There is a model in ${folder} already. Give another folder with --out, or replace it with --overwrite.`,
  );
}

export class RunFolder {
  readonly path: string;
  /** The checkpoint that the run resumes from, if any, and its file. */
  readonly checkpoint: Checkpoint | undefined;
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  /** Whether that checkpoint is in the folder itself. */
  readonly own: boolean;
  private readonly given: Given;
  private lock: FolderLock | undefined;

  private constructor(path: string, given: Given, bytes: Uint8Array<ArrayBuffer> | undefined) {
    this.path = path;
    this.given = given;
    this.bytes = bytes;
    this.checkpoint = bytes && loadCheckpoint(bytes, given.resume);
    this.own = given.resume !== undefined && resolve(given.resume) === resolve(this.file(CHECKPOINT));
  }

  /** Reads the checkpoint. Throws if the folder holds a run or a model that this run would overwrite; writes nothing. */
  static async of(given: Given): Promise<RunFolder> {
    const { out = given.resume && dirname(given.resume), resume } = given;
    if (!out) throw new UsageError('train needs --out DIR: the folder for the pictures and the model.');
    const folder = new RunFolder(out, given, resume === undefined ? undefined : await readWhole(resume));
    folder.checkFree();
    return folder;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Creates the folder and locks it until `close`. Checks again what was found before. */
  async open(): Promise<void> {
    await prepareFolder(this.path);
    this.lock = await lockFolder(this.path);
    try {
      this.checkFree();
      if (this.own) await this.checkUnchanged();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Throws unless this run still holds the folder; called before any of its files is replaced. */
  check(): void {
    this.lock?.check();
  }

  close(): void {
    this.lock?.release();
    this.lock = undefined;
  }

  private checkFree(): void {
    if (this.own || this.given.overwrite) return;
    const inTheWay = this.file(CHECKPOINT);
    if (existsSync(inTheWay)) {
      throw new UsageError(
        `There is a run in ${this.path} already. Go on from it with --resume ${quoted(inTheWay)}, give another folder with --out, or replace it with --overwrite.`,
      );
    }
    checkNoModel(this.path);
  }

  private async checkUnchanged(): Promise<void> {
    const { resume } = this.given;
    if (Buffer.compare(await readWhole(resume!), this.bytes!) === 0) return;
    throw new EngineError(
      'busy',
      `${resume} changed while this command started: another run writes to ${this.path}. Start again to continue from its present step.`,
    );
  }
}
