/** A device that the caller owns, on which the engine is a guest. */

import { EngineError, type ErrorCode } from '../base/errors';
import type { Progress, Warning } from '../base/events';
import { loaded } from '../base/load';
import { GRACE_MS } from '../base/resource';
import { Waiter, watch } from '../base/time';
import type { Trust } from '../plan/op';
import { type AdapterDescription, describeAdapter } from './adapter';
import { Compiler } from './compiler';
import { Load, Pacer, type Submittable } from './pacer';
import { requirements } from './request_device';
import { stopwatch } from './stopwatch';

/** Maximum time from a device's rejected promise to the notification of its loss. */
const LOSS_KNOWN_MS = 3000;
/** The same after a refusal: Firefox refuses every call on a lost device. */
const REFUSAL_KNOWN_MS = 500;

/** Maximum time of a submission, in deadlines of a pipeline: some drivers compile a pipeline when they first run it. */
const SILENCE = 3;

interface BufferRequest {
  readonly label: string;
  readonly bytes: number;
  readonly usage?: GPUBufferUsageFlags;
  /** Its contents; else zeros. */
  readonly data?: Uint32Array<ArrayBuffer> | undefined;
}

interface GpuOptions {
  /** Maximum time of one submission on the GPU, in milliseconds, approximately (see Pacer). Default 300. */
  readonly maxSubmitMilliseconds?: number;
  /** The GPU object that the device came from: Dawn's binding for Node crashes if it is collected before the device. */
  readonly source?: GPU;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** See `Compiler`. Default 10, on software adapters 60. */
  readonly deadlineSeconds?: number;
  /** Whether the device counts as lost when a submission has not ended for three times as long. */
  readonly isOwn?: boolean;
  /** Receives the warning about a silent device that the caller owns. */
  readonly onWarning?: (warning: Warning) => void;
  /** Makes what decides whether kernels may be used. Default: all may. */
  readonly trust?: (gpu: Gpu) => Trust;
}

export interface RunOptions {
  readonly encoder?: GPUCommandEncoder;
  readonly signal?: AbortSignal | undefined;
  /** Maximum time of a submission, at most the pacer's limit, which is the default. */
  readonly milliseconds?: number | undefined;
  /** Whether programs are submitted whole, unless they take much longer than that: see `Pacer.fill`. */
  readonly whole?: boolean;
  /** Called when the last part of a program has been recorded. */
  readonly onRecorded?: () => void;
  /** Receives the ends of submissions. Where given, nothing waits for them: it is enough that the device accepts the commands. */
  readonly ends?: Promise<void>[];
}

type LossInfo = Pick<GPUDeviceLostInfo, 'reason' | 'message'>;

/** Called with the device's message. */
type LossListener = (message: string) => void;

/** The state that the callback of `device.lost` refers to. It lives as long as the device, possibly long after the engine was destroyed. */
interface Loss {
  info?: LossInfo;
  /** Called when the device is lost, but not when its owner destroys it. */
  listener?: LossListener | undefined;
  readonly source: GPU | undefined;
  /** Reject what waits for the device. */
  readonly waits: Set<(error: EngineError) => void>;
  /** The error of every wait, once the device need not answer any more. */
  over?: () => EngineError;
  /** Ends the waits; set while they have a second left. */
  end?: (() => void) | undefined;
  /** Resolves when the device is lost, or counts as lost. */
  readonly lost: Promise<LossInfo>;
  lose(info: LossInfo): void;
}

/** Ends the waits of a device that does not answer within a second. */
function endWaits(loss: Loss, error: () => EngineError): void {
  if (loss.over || loss.end) return;
  loss.end = () => {
    clearTimeout(timer);
    loss.end = undefined;
    loss.over = error;
    for (const reject of loss.waits) reject(error());
    loss.waits.clear();
  };
  const timer = setTimeout(loss.end, GRACE_MS);
  if (loss.waits.size === 0) loss.end();
}

function lostError({ reason, message }: LossInfo): EngineError {
  const why = reason === 'destroyed' ? 'it was destroyed by its owner' : message || 'no reason given';
  return new EngineError(
    'device-lost',
    `The GPU device was lost (${why}). Request a new device, create the engine again, and give the bytes of the last trainer.checkpoint to engine.resume.`,
  );
}

function lossOf(device: GPUDevice, source: GPU | undefined): Loss {
  let lose = (_: LossInfo) => {};
  const lost = new Promise<LossInfo>((resolve) => {
    lose = resolve;
  });
  const loss: Loss = {
    source,
    lost,
    waits: new Set(),
    lose(info) {
      const isNews = !loss.info && info.reason !== 'destroyed';
      if (isNews) loss.listener?.(info.message);
      loss.info ??= info;
      lose(info);
      endWaits(loss, () => lostError(info));
    },
  };
  void device.lost.then(loss.lose);
  return loss;
}

/** A device with its pipelines, checked buffer creation and a record of its loss. Never destroys the device. */
export class Gpu {
  readonly device: GPUDevice;
  readonly adapter: AdapterDescription;
  readonly pacer: Pacer;
  /** The least round trip of an empty submission in milliseconds, which is subtracted from timings. 0 if not measured. */
  latency = 0;
  /** See `Loss`. */
  private readonly loss: Loss;
  /** Undefined: all kernels may be used. */
  readonly trust: Trust | undefined;
  readonly compiler: Compiler;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  private readonly isOwn: boolean;
  private readonly onWarning: ((warning: Warning) => void) | undefined;
  /** Whether a submission is overdue, and none has ended since. */
  private silent = false;
  private readonly waiter: Waiter;
  /** Writes that no submission has waited for yet. */
  private readonly writes = new Set<Promise<void>>();

  constructor(device: GPUDevice, options: GpuOptions = {}) {
    const { maxSubmitMilliseconds = 300, source, onProgress, onWarning, deadlineSeconds } = options;
    for (const [name, needed] of Object.entries(requirements.limits)) {
      const has = device.limits[name as keyof typeof requirements.limits];
      if (has < needed) {
        throw new EngineError(
          'limit',
          `The device's ${name} is ${has}; this engine needs ${needed}. Request the device with \`requirements.limits\`.`,
        );
      }
    }
    this.device = device;
    this.adapter = describeAdapter(device.adapterInfo);
    const deadline = deadlineSeconds ?? (this.adapter.software ? 60 : 10);
    this.onProgress = onProgress;
    this.compiler = new Compiler(this, deadline);
    this.waiter = new Waiter(() => device.queue.submit([]));
    this.pacer = new Pacer(maxSubmitMilliseconds);
    // Its callback must not refer to `this`: the device would then keep the whole engine alive.
    this.loss = lossOf(device, source);
    this.isOwn = options.isOwn ?? false;
    this.onWarning = onWarning;
    this.trust = options.trust?.(this);
  }

  /** Resolves when the device is lost, or counts as lost as it does not answer. */
  get lost(): Promise<LossInfo> {
    return this.loss.lost;
  }

  /** Calls `listener`, which must not refer to this object, if the device is lost but not destroyed by its owner. */
  onLost(listener: LossListener | undefined): void {
    this.loss.listener = listener;
  }

  /** Throws `device-lost` once the device is gone, and `destroyed` once a destroyed engine waits for nothing any more. */
  checkAlive(): void {
    const { info, over } = this.loss;
    if (over) throw over();
    if (info) throw lostError(info);
  }

  /**
   * Settles like a promise of this device, and lets the runtime look after it meanwhile. Rejects a second after the device was lost or the
   * engine was destroyed: the device may never answer.
   */
  wait<T>(promise: Promise<T>): Promise<T> {
    const { waits } = this.loss;
    return this.waiter.wait(
      new Promise<T>((resolve, reject) => {
        if (this.loss.over) reject(this.loss.over());
        else waits.add(reject);
        const ended = () => {
          waits.delete(reject);
          if (waits.size === 0) this.loss.end?.();
        };
        promise.finally(ended).then(resolve, reject);
      }),
    );
  }

  /** Ends all that waits for the device, a second from now. */
  end(): void {
    endWaits(this.loss, () => new EngineError('destroyed', 'This engine was destroyed; create a new one.'));
  }

  /**
   * Awaits a promise of this device. If the device is lost meanwhile, maps and queries reject with various errors: this then waits until
   * the loss is known, and throws that instead.
   */
  async settle<T>(promise: Promise<T>): Promise<T> {
    try {
      return await this.wait(promise);
    } catch (cause) {
      await this.checkLost(LOSS_KNOWN_MS);
      throw new EngineError('shader', `The device failed: ${(cause as Error).message}`, { cause });
    }
  }

  /** Throws `device-lost` if the device reports its loss within `milliseconds`. */
  private async checkLost(milliseconds: number): Promise<void> {
    this.checkAlive();
    await Promise.race([this.lost, new Promise((resolve) => setTimeout(resolve, milliseconds))]);
    this.checkAlive();
  }

  /** Throws `limit` unless a buffer of `bytes` bytes can be bound. `smaller` is the remedy in the message. */
  checkBufferSize(label: string, bytes: number, smaller = 'a smaller batch, image or network'): void {
    const legal = Math.min(this.device.limits.maxStorageBufferBindingSize, this.device.limits.maxBufferSize);
    if (bytes > legal) {
      throw new EngineError(
        'limit',
        `${label} needs a buffer of ${bytes} bytes; this device allows ${legal}. Use ${smaller}, or a device with a larger maxStorageBufferBindingSize and maxBufferSize (requestDevice asks for all that the adapter has).`,
      );
    }
  }

  /** Creates labelled buffers (storage by default), all or none. Throws `limit` when memory does not suffice. */
  async createBuffers(requests: readonly BufferRequest[]): Promise<GPUBuffer[]> {
    if (requests.length === 0) return [];
    const total = requests.reduce((sum, r) => sum + r.bytes, 0);
    const buffers: GPUBuffer[] = [];
    const create = () => {
      for (const { label, bytes, usage, data } of requests) {
        const buffer = this.device.createBuffer({
          label,
          size: Math.max(4, Math.ceil(bytes / 4) * 4),
          usage: usage ?? GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
        });
        // It can be destroyed where a library has put a Proxy in its place, too.
        buffer.destroy = buffer.destroy.bind(buffer);
        buffers.push(buffer);
        if (data) this.device.queue.writeBuffer(buffer, 0, data);
      }
    };
    try {
      await this.scoped(`${(total / 2 ** 20).toFixed(1)} MiB for ${requests[0].label}`, create, 'limit');
    } catch (error) {
      for (const b of buffers) b.destroy();
      throw error;
    }
    return buffers;
  }

  /** As `writeBuffer` of the queue. */
  write(...args: Parameters<GPUQueue['writeBuffer']>): Promise<void> {
    return this.scoped(`what was written into ${args[0].label}`, () =>
      this.device.queue.writeBuffer(...args),
    );
  }

  /** The same for callers that do not wait. If the device rejects it, the next submission throws the error. */
  writeSoon(...args: Parameters<GPUQueue['writeBuffer']>): void {
    const written = this.write(...args);
    this.writes.add(written);
    written.then(
      () => this.writes.delete(written),
      () => {},
    );
  }

  /**
   * Runs `work` in error scopes and throws any error of the device or of the call itself. Without the scopes, the error would reach the
   * handlers of the device's owner, and a refused submission would silently leave stale results. `what` names the work in the message;
   * `code` is the code of the error, unless memory runs out.
   */
  async scoped<T>(what: string, work: () => T, code: ErrorCode = 'shader'): Promise<T> {
    this.checkAlive();
    const { device } = this;
    device.pushErrorScope('validation');
    device.pushErrorScope('out-of-memory');
    let thrown: unknown;
    let result: T | undefined;
    try {
      result = work();
    } catch (error) {
      thrown = error;
    }
    const scopes = [device.popErrorScope(), device.popErrorScope()];
    const [memory, validation] = await Promise.all(scopes.map((scope) => this.settle(scope)));
    const cause = (memory ?? validation ?? thrown) as Error | undefined;
    if (!cause) return result as T;
    if (validation && !memory) await this.checkLost(REFUSAL_KNOWN_MS);
    const limit = memory || code === 'limit';
    throw new EngineError(
      limit ? 'limit' : code,
      `The device refused ${what}: ${cause.message}${limit ? ' Use a smaller batch or free other GPU memory.' : ''}`,
      { cause },
    );
  }

  /**
   * Submits, and resolves when the GPU is done. Measures `load`, for the pacer too, by the time between two ends: what was submitted
   * before, perhaps by others, and the delay of the notification do not count. If word of ends is late, the GPU's own clock says more.
   * Calls `onSent` with what settles when the device has accepted or refused the commands, and the writes before them.
   */
  async submit(
    encoder: GPUCommandEncoder,
    load?: Load,
    onSent?: (accepted: Promise<unknown>) => void,
  ): Promise<void> {
    const { queue } = this.device;
    const ended = async () => {
      await this.settle(queue.onSubmittedWorkDone());
      return performance.now();
    };
    const before = load && ended();
    const watch = load && this.pacer.isLate ? stopwatch(this) : undefined;
    const sent = this.scoped('a submission', () => queue.submit([encoder.finish()]));
    const accepted = Promise.all([sent, ...this.writes]);
    this.writes.clear();
    onSent?.(accepted);
    const time = watch?.();
    const all = this.answered(Promise.all([before, ended(), accepted]));
    const ends = all.then(async ([begin, end]) => [begin ?? end, end, await time] as const);
    await (load ? this.pacer.measure(load, ends) : ends);
    this.checkAlive();
  }

  /** Settles as `ends`, the end of a submission. Throws `device-lost` if the end is so late that the device counts as lost. */
  private answered<T>(ends: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const seconds = SILENCE * this.compiler.deadline;
      const late = async () => {
        const { silence } = await loaded(import('./trouble'));
        if (!this.silent) {
          this.silent = true;
          silence(seconds, this.isOwn && this.loss.lose, this.onWarning);
        }
        await this.checkLost(0);
      };
      watch(ends, seconds, () => void late().catch(reject))
        .finally(() => {
          this.silent = false;
        })
        .then(resolve, reject);
    });
  }

  /** Submits copies of the caller's buffers, and resolves once the device has accepted them. Throws `argument` if it refuses `what`. */
  submitCopies(encoder: GPUCommandEncoder, what: string): Promise<void> {
    return this.scoped(what, () => this.device.queue.submit([encoder.finish()]), 'argument');
  }

  async measureLatency(): Promise<void> {
    const [buffer] = await this.createBuffers([{ label: 'latency', bytes: 4 }]);
    const times: number[] = [];
    try {
      for (let i = 0; i < 3; i++) {
        const encoder = this.device.createCommandEncoder({ label: 'latency' });
        encoder.clearBuffer(buffer);
        const start = performance.now();
        await this.submit(encoder);
        times.push(performance.now() - start);
      }
    } finally {
      buffer.destroy();
    }
    this.latency = Math.min(this.latency || Infinity, ...times);
  }

  /** Runs programs one after the other: see `runAnd`. */
  run(programs: readonly Submittable[], options: RunOptions = {}): Promise<unknown> {
    const submitLast = (encoder: GPUCommandEncoder, load: Load) => this.part(encoder, load, options.ends);
    return this.runAnd(programs, submitLast, options);
  }

  /** Submits, and resolves when the GPU is done; or if `ends` receives that, when the device has accepted the commands. */
  private part(encoder: GPUCommandEncoder, load: Load, ends: Promise<void>[] | undefined): Promise<unknown> {
    let accepted: Promise<unknown> = Promise.resolve();
    const ended = this.submit(encoder, load, (sent) => {
      accepted = sent;
    });
    ends?.push(ended);
    if (!ends) return ended;
    ended.catch(() => {}); // may end before anything waits for it
    return accepted;
  }

  /**
   * Runs programs one after the other, as they come, in submissions that fit the pacer's budget, as many in flight as it has room for. The
   * first submission begins with what `encoder` already holds. The last one is handed to `submitLast`, which may add commands and whose result is returned. Stops
   * between two submissions when `signal` aborts.
   */
  async runAnd<T>(
    programs: readonly (Submittable | Promise<Submittable>)[],
    submitLast: (encoder: GPUCommandEncoder, load: Load) => Promise<T>,
    options: RunOptions = {},
  ): Promise<T> {
    const { encoder: first, signal, milliseconds = this.pacer.maxMilliseconds, whole, onRecorded } = options;
    const begin = () => this.device.createCommandEncoder({ label: 'parts' });
    let encoder = first ?? begin();
    let pass: GPUComputePassEncoder | undefined;
    let load = new Load();
    const begun: Promise<unknown>[] = [];
    let failure: { readonly why: unknown } | undefined;
    try {
      for (const each of programs) {
        const program = 'then' in each ? await each : each;
        for (let from = 0; from < program.partCount; ) {
          signal?.throwIfAborted();
          if (failure) throw failure.why;
          const to = this.pacer.fill(load, program, from, milliseconds, whole);
          if (to > from) {
            pass ??= encoder.beginComputePass({ label: 'parts' });
            program.encode(pass, from, to);
            from = to;
            continue;
          }
          pass?.end();
          const part = this.part(encoder, load, options.ends);
          begun.push(part);
          part.catch((why) => {
            failure ??= { why };
          });
          await this.pacer.room();
          encoder = begin();
          pass = undefined;
          load = new Load();
        }
        onRecorded?.();
      }
      signal?.throwIfAborted();
      pass?.end();
      const [result] = await Promise.all([submitLast(encoder, load), ...begun]);
      return result;
    } catch (error) {
      await Promise.allSettled([...begun, ...(options.ends ?? [])]);
      throw error;
    }
  }
}
