/** What the page sees of a network: live pictures, sampling runs, drawings, looks inside. */
import type { ImageSet, UNet } from '../../../src';
import type { InsideOrder } from '../inside/protocol';
import type { Command, DrawAnswer, DrawOrder, Order } from '../protocol';
import { Drawing } from './drawing';
import { Inside } from './inside';
import { LivePictures } from './live_pictures';
import { PictureClock } from './picture_clock';
import type { Workplace } from './place';

export class SessionViews {
  readonly clock = new PictureClock();
  private readonly place: Workplace;
  /** Loads the digits that come with the page, for what needs images and has none. */
  private readonly loadDigits: () => Promise<void>;
  private readonly pictures: LivePictures;
  private readonly inside: Inside;
  private readonly drawing = new Drawing();

  constructor(place: Workplace, loadDigits: () => Promise<void>) {
    this.place = place;
    this.loadDigits = loadDigits;
    this.pictures = new LivePictures(place.post);
    this.inside = new Inside(place.post);
  }

  /** Call this before a network is destroyed; without an argument, before all are. */
  free(unet?: UNet): void {
    this.pictures.free(unet);
    this.drawing.free(unet);
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
    await this.pictures.grid(core.engine!, network, { step, count: settings.samples, seed, signal });
  }

  async strip(step: number): Promise<void> {
    const { images, objective, unet, current } = this.place;
    const { seed } = current;
    if (images) await this.pictures.strip(images, objective, unet, { step, seed });
  }

  async sample(order: Order): Promise<void> {
    const { core } = this.place;
    core.phase('compiling');
    const network = await this.place.networkFrom(order.source);
    const run = await this.pictures.run(core.engine!, network, order);
    core.phase('sampling');
    await core.tasks.interruptible('sampling', run);
  }

  /** What follows the hand always gets an answer, since the page waits for one before it asks again. */
  async follow({ id, order, images }: Extract<Command, { type: 'follow' }>): Promise<void> {
    const { core, post } = this.place;
    try {
      const network = await this.place.networkFrom(order.source);
      const made = await this.pictures.follow(core.engine!, network, order, images);
      post({ type: 'followed', id, images: made }, [made.buffer]);
    } catch (error) {
      post({ type: 'followed', id, problem: error instanceof Error ? error.message : String(error) });
    }
  }

  async lookInside(order: InsideOrder): Promise<void> {
    const { core } = this.place;
    const gather = async () => {
      const source = 'source' in order ? order.source : order.picture.source;
      const engine = await core.device();
      const network = await this.place.networkFrom(source);
      const trainer = source === 'run' ? core.run?.trainer : undefined;
      const settings = this.place.current;
      if (!this.place.images) await this.loadDigits();
      const images = this.place.imagesOf(settings).train;
      return { engine, network, images, trainer, settings };
    };
    const answer = (signal: AbortSignal) => this.inside.answer(order, gather, signal);
    // Timing takes long, and gives way to whatever is asked for; the others are done before anybody notices.
    const waits = order.kind !== 'time' || !(await core.tasks.interruptible('sampling', answer));
    if (waits) await answer(order.kind === 'time' ? AbortSignal.abort() : new AbortController().signal);
  }

  /** A drawing always gets an answer, since the page waits for one before it asks again. */
  async draw(id: number, order: DrawOrder): Promise<void> {
    const { core, models, post } = this.place;
    try {
      const { unet } =
        order.source === 'pretrained'
          ? await models.ofRecipe('digits', await core.device())
          : await this.place.networkFrom(order.source);
      let answer: DrawAnswer | undefined;
      const make = async (signal?: AbortSignal) => {
        answer = await this.drawing.answer(core.engine!, unet, order, signal);
      };
      if (order.ask === 'classify' || order.rough) await make();
      else await core.tasks.interruptible('sampling', make);
      post({ type: 'drawn', id, answer });
    } catch (error) {
      post({ type: 'drawn', id, problem: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Like a drawing, a question of the Explain tab always gets an answer. */
  async explain({ key, id, order }: Extract<Command, { type: 'explain' }>): Promise<void> {
    const { place } = this;
    try {
      const { answerExplain } = await import('./explain');
      const engine = await place.core.device();
      const answer = await answerExplain(order, {
        engine,
        settings: place.current,
        images: async () => {
          if (!place.images) await this.loadDigits();
          return place.imagesOf(place.current).train;
        },
        network: (of) =>
          of === 'digits' || of === 'tutorial' ? place.models.ofRecipe(of, engine) : place.networkFrom(of),
      });
      place.post({ type: 'explained', key, id, answer });
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      place.post({ type: 'explained', key, id, problem });
    }
  }

  /** Answers at once if there are images. */
  example(at: number): void {
    const { images, core, post } = this.place;
    const answer = ({ images, count, height, width, channels }: ImageSet) => {
      const size = height * width * channels;
      const first = (at % count) * size;
      post({ type: 'example', image: images.slice(first, first + size) });
    };
    if (images) answer(images);
    else
      core.tasks.request(async () => {
        await this.loadDigits();
        if (this.place.images) answer(this.place.images);
      });
  }
}
