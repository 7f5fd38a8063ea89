import { checkNames, checkSignal, EngineError, type Names } from '../base/errors';
import { hashOfNumbers } from '../base/hash';
import { Resource } from '../base/resource';
import type { Gpu } from '../gpu/gpu';
import { Sampler } from '../sampling/sampler';
import { Trainer } from '../training/trainer';
import type { UNetConfig } from '../unet/config';
import { checkUNet } from '../unet/network';
import type { UNet, UNetOptions } from '../unet/unet';
import type { VariantChooser } from '../unet/variants';
import {
  checkDistiller,
  type DistilEvent,
  type DistillerConfig,
  type DistillerOptions,
  distillingWork,
  studentTraining,
} from './options';
import { Trajectories } from './trajectories';

/** Images in a batch of the teacher. An interruption waits for one step with them, so they are fewer than a GPU could take. */
const TOGETHER = 64;

/** Options of a distiller's run. */
export interface DistilOptions {
  /** Ends the run between two submissions of the teacher or two steps of the student; it then rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The parts of the engine that a distiller needs. */
interface DistillerParts {
  readonly gpu: Gpu;
  readonly chooser: VariantChooser;
  /** The engine's method, so that the engine owns the student. */
  readonly createUNet: (config: UNetConfig, options: UNetOptions) => Promise<UNet>;
}

interface Held {
  readonly bytes: number;
  destroy(): void;
}

/**
 * Trains a copy of a network, the student, to follow the trajectories of that network, its teacher, in one or two calls. Created by
 * `engine.createDistiller`; holds memory only during a run.
 */
export class Distiller extends Resource {
  /** The network that the student learns from. It does not change; do not train it during a run. */
  readonly teacher: UNet;
  /** The options of the distiller, with their defaults. */
  readonly config: DistillerConfig;
  private readonly parts: DistillerParts;
  private readonly held = new Set<Held>();
  private distilled: UNet | undefined;
  private busy = false;

  private constructor(teacher: UNet, config: DistillerConfig, parts: DistillerParts) {
    super('distiller');
    this.teacher = teacher;
    this.parts = parts;
    this.config = config;
  }

  /** @internal */
  static async create(teacher: UNet, options: DistillerOptions, parts: DistillerParts): Promise<Distiller> {
    checkUNet(teacher, parts.gpu.device);
    return new Distiller(teacher, checkDistiller(teacher, options), parts);
  }

  /** The result of the last complete run. The caller destroys it: the distiller does not. */
  get student(): UNet | undefined {
    return this.distilled;
  }

  /** Bytes of GPU memory that a run under way holds, without the teacher's weights. */
  get bytes(): number {
    return [...this.held].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * Computes the teacher's trajectories, then trains the student on them; yields an event between two steps of either. The same teacher,
   * options, adapter and variants give the same bits. Leaving the loop early, an abort, and an error leave nothing behind. Throws
   * `limit` if memory does not suffice, `diverged`, `busy`, and the signal's reason.
   */
  async *run(options: DistilOptions = {}): AsyncGenerator<DistilEvent, void, undefined> {
    this.check();
    checkNames('A run of a distiller', options, { signal: true } satisfies Names<DistilOptions>);
    const { signal } = options;
    checkSignal(signal);
    if (this.busy) {
      throw new EngineError(
        'busy',
        'This distiller is in the middle of another run. Finish its loop, or leave it.',
      );
    }
    this.busy = true;
    this.distilled = undefined;
    const events = this.events(signal);
    try {
      signal?.throwIfAborted();
      for (;;) {
        const { done, value } = await this.withGrace(events.next(), signal);
        if (done) {
          this.distilled = value;
          return;
        }
        yield value;
      }
    } catch (error) {
      if (error !== signal?.reason) await this.failed(error);
      throw error;
    } finally {
      const end = async () => {
        await events.return(undefined as never).catch(() => {});
        this.release();
        this.busy = false;
      };
      await this.withGrace(end(), signal);
    }
  }

  private async *events(signal: AbortSignal | undefined): AsyncGenerator<DistilEvent, UNet, undefined> {
    const { teacher, config } = this;
    const { gpu, chooser, createUNet } = this.parts;
    const parameters = await teacher.getParameters();
    const trajectories = await this.hold(Trajectories.create(gpu, teacher.config, config));
    const count = Math.min(TOGETHER, config.noises);
    const sampler = await this.hold(Sampler.create(gpu, teacher, { count }, chooser));
    const all = distillingWork(config, config.noises, config.steps);
    for await (const followed of trajectories.follow(sampler, signal))
      yield { trajectories: followed, step: 0, done: distillingWork(config, followed, 0) / all };
    this.drop(sampler);

    const { calls } = config;
    const sampling = { method: 'euler', steps: calls, guidance: 1, calls } as const;
    const origin = { sampling, teacher: hashOfNumbers(...parameters.values()) };
    const student = await this.hold(createUNet(teacher.config, origin));
    await student.setParameters(parameters);
    const trainer = await this.hold(Trainer.create(gpu, student, studentTraining(config), chooser));
    for (let step = 0; step < config.steps; step++) {
      signal?.throwIfAborted();
      this.check();
      const loss = await trainer.step(await trajectories.batchOf(step));
      const done = distillingWork(config, config.noises, step + 1) / all;
      yield { trajectories: config.noises, step: step + 1, loss, done };
    }
    this.held.delete(student);
    return student;
  }

  protected release(): void {
    for (const each of this.held) this.drop(each);
  }

  private async hold<T extends Held>(making: Promise<T>): Promise<T> {
    const held = await making;
    this.held.add(held);
    if (this.destroyed) this.release();
    this.check();
    return held;
  }

  private drop(held: Held): void {
    held.destroy();
    this.held.delete(held);
  }
}
