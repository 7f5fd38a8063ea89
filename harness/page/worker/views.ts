/** The page's views of a network: live pictures, drawings, looks inside. */
import { enlarge } from '../../../src/pretrained';
import type { TurnContext } from '../../../src/worker';
import { isEnded } from '../../../src/worker/turns';
import { toBytes } from '../../pictures/pictures';
import { enlargerFor } from '../../run/enlarging';
import type { MakeOrder } from '../messages/calls';
import type { ExplainAnswer, ExplainOrder } from '../messages/explain_messages';
import type { InsideAnswer, InsideOrder } from '../messages/inside_messages';
import type { DrawAnswer, DrawOrder, Example, Order } from '../messages/messages';
import type { Placed } from '../messages/noise_field';
import type { ImageSize } from '../messages/settings';
import { PictureClock } from './clocks';
import { answerDrawing } from './drawing';
import { answerInside } from './inside';
import { follow, sendGrid, sendStrip } from './live_pictures';
import type { WorkerState } from './worker_state';

export class Views {
  readonly clock = new PictureClock();
  private readonly state: WorkerState;

  constructor(state: WorkerState) {
    this.state = state;
  }

  /** Both live pictures, of the network as it is now. Whatever is asked for meanwhile ends them. */
  async lastPictures(): Promise<void> {
    try {
      await this.state.session.turn('pictures', ({ signal }) => this.both(signal));
    } catch (error) {
      if (!isEnded(error)) throw error;
    }
  }

  async both(signal?: AbortSignal): Promise<void> {
    // Some steps may be made and not read yet.
    const { state } = this;
    const step = (await state.session.run?.trainer?.readStep()) ?? state.step;
    await sendStrip(state, step);
    signal?.throwIfAborted();
    await sendGrid(state, step, signal);
  }

  strip(): Promise<void> {
    return sendStrip(this.state, this.state.step);
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
    return this.state.turn('answer', ({ engine }) => follow(this.state, engine, order, images));
  }

  /** In the background: whatever is asked for comes first, and training. */
  enlarge(
    { bytes, ...size }: { readonly bytes: Uint8Array } & Pick<ImageSize, 'height' | 'width'>,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { state } = this;
    const make = async ({ engine, signal }: TurnContext) => {
      const { unet } = await state.session.samplers.of(
        'enlarger',
        ({ unet: { config } }) => config.height === 2 * size.height && config.width === 2 * size.width,
        async () => {
          const unet = await enlargerFor(engine, size);
          return { unet, destroy: () => unet.destroy() };
        },
      );
      signal.throwIfAborted();
      const images = Float32Array.from(bytes, (byte) => byte / 255);
      return toBytes(await enlarge(unet, images));
    };
    return state.turn('background', make, { signal });
  }

  async lookInside(order: InsideOrder): Promise<InsideAnswer> {
    const { state } = this;
    // Timing takes long, and gives way to whatever is asked for; the others are done before anybody notices.
    const kind = order.kind === 'time' ? 'order' : 'answer';
    return state
      .turn(kind, ({ engine, signal }) => answerInside(order, engine, state, signal))
      .catch((error) => {
        if (kind === 'order' && isEnded(error)) return { kind: 'timedAll', clock: 'stopped' };
        throw error;
      });
  }

  /** Undefined if it was interrupted. */
  async draw(order: DrawOrder): Promise<DrawAnswer | undefined> {
    const { state } = this;
    const { samplers } = state.session;
    const isShort = order.ask === 'classify' || order.rough;
    const make = async ({ engine, signal }: TurnContext) => {
      const isPretrained = order.source === 'pretrained';
      const { unet } = await (isPretrained ? state.pretrained('digits') : state.networkFrom(order.source));
      return answerDrawing(order, { engine, unet, samplers }, signal);
    };
    return state.turn(isShort ? 'answer' : 'order', make).catch((error) => {
      if (isShort || !isEnded(error)) throw error;
      return undefined;
    });
  }

  async explain(order: ExplainOrder): Promise<ExplainAnswer> {
    const { state } = this;
    const { answerExplain } = await import('./explain');
    return state.turn('answer', ({ engine }) => answerExplain(order, engine, state));
  }

  /** At once if there are images. */
  async example(at: number): Promise<Example | undefined> {
    const { state } = this;
    if (!state.images) await state.session.turns.take('answer', () => state.loadDigits());
    if (!state.images) return undefined;
    const { images, labels, count, height, width, channels } = state.images;
    const size = height * width * channels;
    const n = at % count;
    return { image: images.slice(n * size, (n + 1) * size), label: labels?.[n] };
  }
}
