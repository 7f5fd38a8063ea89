/** The page's views of a network: live pictures, drawings, looks inside. */
import type { ImageSet } from '../../../src';
import type { CallContext } from '../../../src/worker';
import type { ExplainAnswer, ExplainOrder } from '../messages/explain_messages';
import type { InsideAnswer, InsideOrder } from '../messages/inside_messages';
import type { DrawAnswer, DrawOrder, Example, Order } from '../messages/messages';
import type { Placed } from '../messages/noise_field';
import { PictureClock } from './clocks';
import { DrawingAnswers } from './drawing';
import { Inside } from './inside';
import { LivePictures } from './live_pictures';
import type { Workplace } from './place';

export class Views {
  readonly clock = new PictureClock();
  private readonly place: Workplace;
  /** Loads the digits that come with the page, for what needs images and has none. */
  private readonly loadDigits: () => Promise<void>;
  private readonly pictures: LivePictures;
  private readonly inside: Inside;
  private readonly drawing: DrawingAnswers;

  constructor(place: Workplace, loadDigits: () => Promise<void>) {
    this.place = place;
    this.loadDigits = loadDigits;
    const { samplers } = place.core;
    this.pictures = new LivePictures(place.post, samplers);
    this.inside = new Inside(place.post, samplers);
    this.drawing = new DrawingAnswers(samplers);
  }

  /** Both live pictures, if they are due: all of them show the same network. */
  async between(step: number, signal: AbortSignal): Promise<void> {
    const { core, settings } = this.place;
    if (!this.clock.due) return;
    core.flush();
    await this.clock.make(settings.refresh, async () => {
      await this.strip(step);
      await this.grid(step, signal);
    });
  }

  /** The pictures of the network as it is now, at the end of a stretch of steps. */
  async lastPictures(step: number): Promise<void> {
    await this.place.core.tasks.interruptible('pictures', async (signal) => {
      await this.strip(step);
      signal.throwIfAborted();
      await this.grid(step, signal);
    });
  }

  async grid(step: number, signal?: AbortSignal): Promise<void> {
    const { core, objective, settings, current } = this.place;
    const network = { unet: core.run!.unet!, objective };
    const { seed } = current;
    const { samples: count } = settings;
    const isLast = core.run!.complete;
    await this.pictures.grid(core.engine!, network, { step, count, seed, isLast, signal });
  }

  async strip(step: number): Promise<void> {
    const { images, objective, unet, current } = this.place;
    const { seed } = current;
    if (images) await this.pictures.strip(images, objective, unet, { step, seed });
  }

  /** Images that follow the hand: bytes, [images][height][width][channels]. */
  async follow(order: Order, images: readonly Placed[]): Promise<Uint8Array<ArrayBuffer>> {
    const network = await this.place.networkFrom(order.source);
    return this.pictures.follow(this.place.core.engine!, network, order, images);
  }

  async lookInside(order: InsideOrder): Promise<InsideAnswer> {
    const { core } = this.place;
    const gather = async () => {
      const source = 'source' in order ? order.source : order.picture.source;
      const engine = await core.device();
      const network = await this.place.networkFrom(source);
      const trainer = source === 'run' ? core.run?.trainer : undefined;
      return { engine, network, images: await this.trainingImages(), trainer, settings: this.place.current };
    };
    if (order.kind !== 'time') return this.inside.answer(order, gather, new AbortController().signal);
    // Timing takes long, and gives way to whatever is asked for; the others are done before anybody notices.
    let answer: InsideAnswer = { kind: 'timedAll', clock: 'stopped' };
    await core.tasks.interruptible('sampling', async (signal) => {
      answer = await this.inside.answer(order, gather, signal);
    });
    return answer;
  }

  /** Undefined if it was interrupted. */
  async draw(order: DrawOrder): Promise<DrawAnswer | undefined> {
    const { core } = this.place;
    const { unet } = await (order.source === 'pretrained'
      ? this.place.pretrained('digits')
      : this.place.networkFrom(order.source));
    let answer: DrawAnswer | undefined;
    const make = async (signal?: AbortSignal) => {
      answer = await this.drawing.answer(core.engine!, unet, order, signal);
    };
    if (order.ask === 'classify' || order.rough) await make();
    else await core.tasks.interruptible('sampling', make);
    return answer;
  }

  async explain(order: ExplainOrder): Promise<ExplainAnswer> {
    const { place } = this;
    const { answerExplain } = await import('./explain');
    const engine = await place.core.device();
    return answerExplain(order, {
      engine,
      settings: place.current,
      images: () => this.trainingImages(),
      network: (of) => place.networkFrom(of),
      initialNetwork: (began) => place.initialNetwork(place.current, began),
    });
  }

  /** At once if there are images. */
  async example(at: number, inTurn: CallContext['inTurn']): Promise<Example | undefined> {
    if (!this.place.images) await inTurn(() => this.loadDigits());
    if (!this.place.images) return undefined;
    const { images, labels, count, height, width, channels } = this.place.images;
    const size = height * width * channels;
    const n = at % count;
    return { image: images.slice(n * size, (n + 1) * size), label: labels?.[n] };
  }

  /** The run's training images; the digits if there are none yet. */
  private async trainingImages(): Promise<ImageSet> {
    if (!this.place.images) await this.loadDigits();
    return this.place.imagesOf(this.place.current).train;
  }
}
