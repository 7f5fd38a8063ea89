/** The page's views of a network: live pictures, drawings, looks inside. */
import type { ImageSet } from '../../../src';
import type { TurnContext } from '../../../src/worker';
import { isEnded } from '../../../src/worker/turns';
import type { MakeOrder } from '../messages/calls';
import type { ExplainAnswer, ExplainOrder } from '../messages/explain_messages';
import type { InsideAnswer, InsideOrder } from '../messages/inside_messages';
import type { DrawAnswer, DrawOrder, Example, Order } from '../messages/messages';
import type { Placed } from '../messages/noise_field';
import { PictureClock } from './clocks';
import { DrawingAnswers } from './drawing';
import { Inside } from './inside';
import { LivePictures } from './live_pictures';
import type { WorkerState } from './worker_state';

export class Views {
  readonly clock = new PictureClock();
  private readonly state: WorkerState;
  /** Loads the digits that come with the page, for what needs images and has none. */
  private readonly loadDigits: () => Promise<void>;
  private readonly pictures: LivePictures;
  private readonly inside: Inside;
  private readonly drawing: DrawingAnswers;

  constructor(state: WorkerState, loadDigits: () => Promise<void>) {
    this.state = state;
    this.loadDigits = loadDigits;
    const { post, session } = state;
    this.pictures = new LivePictures(post, session);
    this.inside = new Inside(post, session);
    this.drawing = new DrawingAnswers(session);
  }

  /** Both live pictures, if they are due: all of them show the same network. Whatever is asked for meanwhile ends them. */
  async between(step: number): Promise<void> {
    if (!this.clock.due) return;
    await this.clock.make(this.state.settings.refresh, () => this.lastPictures(step));
  }

  /** The pictures of the network as it is now. */
  async lastPictures(step: number): Promise<void> {
    try {
      await this.state.session.turn('pictures', ({ signal }) => this.both(step, signal));
    } catch (error) {
      if (!isEnded(error)) throw error;
    }
  }

  async both(step: number, signal?: AbortSignal): Promise<void> {
    await this.strip(step);
    signal?.throwIfAborted();
    await this.grid(step, signal);
  }

  async grid(step: number, signal?: AbortSignal): Promise<void> {
    const { session, objective, settings, current } = this.state;
    const network = { unet: session.run!.unet!, objective };
    const { seed } = current;
    const { samples: count } = settings;
    const isLast = session.run!.complete;
    await this.pictures.grid(session.engine!, network, { step, count, seed, isLast, signal });
  }

  async strip(step: number): Promise<void> {
    const { images, objective, unet, current } = this.state;
    const { seed } = current;
    if (images) await this.pictures.strip(images, objective, unet, { step, seed });
  }

  /** Makes the images of an order; whatever is asked for later ends that. */
  make({ network: source, count, onFrame, ...options }: MakeOrder, signal: AbortSignal): Promise<void> {
    const { session } = this.state;
    const make = async ({ engine, signal }: TurnContext) => {
      session.phase = 'compiling';
      const { unet } = await this.state.networkFrom(source);
      const sampler = await session.samplers.sampler('make', engine, unet, count);
      session.phase = 'sampling';
      for await (const frame of sampler.run({ ...options, signal })) onFrame(frame);
    };
    return this.state.turn('order', make, { signal });
  }

  /** Images that follow the hand: bytes, [images][height][width][channels]. */
  follow(order: Order, images: readonly Placed[]): Promise<Uint8Array<ArrayBuffer>> {
    return this.state.turn('answer', async ({ engine }) => {
      const network = await this.state.networkFrom(order.source);
      return this.pictures.follow(engine, network, order, images);
    });
  }

  async lookInside(order: InsideOrder): Promise<InsideAnswer> {
    const { state } = this;
    const { session } = state;
    const gather = async () => {
      const source = 'source' in order ? order.source : order.picture.source;
      const engine = await session.device();
      const network = await state.networkFrom(source);
      const trainer = source === 'run' ? session.run?.trainer : undefined;
      return { engine, network, images: await this.trainingImages(), trainer, settings: state.current };
    };
    // Timing takes long, and gives way to whatever is asked for; the others are done before anybody notices.
    const kind = order.kind === 'time' ? 'order' : 'answer';
    return state
      .turn(kind, ({ signal }) => this.inside.answer(order, gather, signal))
      .catch((error) => {
        if (kind === 'order' && isEnded(error)) return { kind: 'timedAll', clock: 'stopped' };
        throw error;
      });
  }

  /** Undefined if it was interrupted. */
  async draw(order: DrawOrder): Promise<DrawAnswer | undefined> {
    const { state } = this;
    const isShort = order.ask === 'classify' || order.rough;
    const make = async ({ engine, signal }: TurnContext) => {
      const isPretrained = order.source === 'pretrained';
      const { unet } = await (isPretrained ? state.pretrained('digits') : state.networkFrom(order.source));
      return this.drawing.answer(engine, unet, order, signal);
    };
    return state.turn(isShort ? 'answer' : 'order', make).catch((error) => {
      if (isShort || !isEnded(error)) throw error;
      return undefined;
    });
  }

  async explain(order: ExplainOrder): Promise<ExplainAnswer> {
    const { state } = this;
    const { answerExplain } = await import('./explain');
    return state.turn('answer', ({ engine }) =>
      answerExplain(order, {
        engine,
        settings: state.current,
        images: () => this.trainingImages(),
        network: (of) => state.networkFrom(of),
        initialNetwork: (began) => state.initialNetwork(state.current, began),
      }),
    );
  }

  /** At once if there are images. */
  async example(at: number): Promise<Example | undefined> {
    if (!this.state.images) await this.state.session.turns.take('answer', () => this.loadDigits());
    if (!this.state.images) return undefined;
    const { images, labels, count, height, width, channels } = this.state.images;
    const size = height * width * channels;
    const n = at % count;
    return { image: images.slice(n * size, (n + 1) * size), label: labels?.[n] };
  }

  /** The run's training images; the digits if there are none yet. */
  private async trainingImages(): Promise<ImageSet> {
    if (!this.state.images) await this.loadDigits();
    return this.state.imagesOf(this.state.current).train;
  }
}
