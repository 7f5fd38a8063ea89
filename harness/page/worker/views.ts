/** The page's views of a network: live pictures, samples, drawings, looks inside. */
import type { ImageSet, UNet } from '../../../src';
import { enlarge } from '../../../src/pretrained';
import { isEnded } from '../../../src/worker/turns';
import { noiseMoreAndMore } from '../../pictures/noise';
import { greys, toBytes } from '../../pictures/pictures';
import { enlargerFor } from '../../run/enlarging';
import type { PageCalls } from '../messages/calls';
import { makeFieldNoise, START } from '../messages/noise_field';
import { columnsFor, fullGrid, liveSampling, orderSampling, roomFor } from '../messages/order';
import { makeConditions } from './choices';
import { PictureClock } from './clocks';
import { answerDrawing } from './drawing';
import { answerInside } from './inside';
import { unlessEnded, type WorkerState } from './worker_state';

const STRIP_IMAGES = 8;

export class Views {
  readonly clock = new PictureClock();
  private readonly state: WorkerState;

  constructor(state: WorkerState) {
    this.state = state;
  }

  readonly calls = {
    make: ({ network, count, onFrame, ...options }, { signal }) => {
      const { state } = this;
      const { session } = state;
      return state.turn(
        'order',
        async ({ engine, signal }) => {
          session.phase = 'compiling';
          const { unet } = await state.networkFrom(network);
          const sampler = await session.samplers.sampler('make', engine, unet, count);
          session.phase = 'sampling';
          for await (const frame of sampler.run({ ...options, signal })) onFrame(frame);
        },
        { signal },
      );
    },
    stopTiming: () => this.state.session.turns.end(['order']),

    follow: ({ order, images }) =>
      this.state.turn('answer', async ({ engine }) => {
        const { unet, objective } = await this.state.networkFrom(order.source);
        const { height, width, channels } = unet.config;
        const kind = { classes: classesOf(unet), objective, height, width, channels };
        const size = height * width * channels;
        const count = roomFor(images.length, engine.adapter);
        const sampler = await this.state.session.samplers.sampler(`hand ${count}`, engine, unet, count);
        const all = Array.from({ length: count }, (_, i) => images[i] ?? images[0]);
        const { labels, ...options } = orderSampling(kind, { ...order, place: START });
        const samples = await sampler.sample({
          ...options,
          polish: false,
          noise: makeFieldNoise(order.seed, all, size),
          ...(labels ? { labels: all.map(({ image }) => labels[image]) } : {}),
        });
        return toBytes(samples.subarray(0, images.length * size));
      }),

    enlarge: ({ bytes, ...size }, { signal }) =>
      this.state.turn(
        'background',
        async ({ engine, signal }) => {
          const { unet } = await this.state.session.samplers.reuse(
            'enlarger',
            ({ unet: { config } }) => config.height === 2 * size.height && config.width === 2 * size.width,
            async () => {
              const unet = await enlargerFor(engine, size);
              return { unet, destroy: () => unet.destroy() };
            },
          );
          signal.throwIfAborted();
          return toBytes(
            await enlarge(
              unet,
              Float32Array.from(bytes, (byte) => byte / 255),
            ),
          );
        },
        { signal },
      ),

    draw: (order) => {
      const { state } = this;
      const { samplers } = state.session;
      const isShort = order.ask === 'classify' || order.rough;
      const drawn = state.turn(isShort ? 'answer' : 'order', async ({ engine, signal }) => {
        const isPretrained = order.source === 'pretrained';
        const { unet } = await (isPretrained ? state.pretrained('digits') : state.networkFrom(order.source));
        return answerDrawing(order, { engine, unet, samplers }, signal);
      });
      return isShort ? drawn : unlessEnded(drawn);
    },

    explain: async (order) => {
      const { answerExplain } = await import('./explain');
      return this.state.turn('answer', ({ engine }) => answerExplain(order, engine, this.state));
    },

    inside: (order) => {
      const { state } = this;
      // Timing takes long, and gives way to whatever is asked for; the others are done before anybody notices.
      const isLong = order.kind === 'time';
      return state
        .turn(isLong ? 'order' : 'answer', ({ engine, signal }) => answerInside(order, engine, state, signal))
        .catch((error) => {
          if (isLong && isEnded(error)) return { kind: 'timedAll', clock: 'stopped' } as const;
          throw error;
        });
    },

    /** At once if there are images. */
    example: async (at) => {
      const { state } = this;
      if (!state.images) await state.session.turns.take('answer', () => state.loadDigits());
      if (!state.images) return undefined;
      const { images, labels, count, height, width, channels } = state.images;
      const size = height * width * channels;
      const n = at % count;
      return { image: images.slice(n * size, (n + 1) * size), label: labels?.[n] };
    },
  } satisfies Partial<PageCalls>;

  /** Both live pictures, of the network as it is now. Whatever is asked for meanwhile ends them. */
  lastPictures(): Promise<void> {
    return unlessEnded(this.state.session.turn('pictures', ({ signal }) => this.both(signal)));
  }

  async both(signal?: AbortSignal): Promise<void> {
    // Some steps may be made and not read yet.
    const step = (await this.state.session.run?.trainer?.readStep()) ?? this.state.step;
    await this.strip(step);
    signal?.throwIfAborted();
    await this.grid(step, signal);
  }

  /** Sends the first images, the same images with growing noise, and the images that the network, if any, predicts behind it. */
  async strip(step = this.state.step): Promise<void> {
    const { images, objective, unet, current, post } = this.state;
    if (!images) return;
    const count = Math.min(STRIP_IMAGES, images.count);
    const { values, ...shape } = greys(images, count);
    // What is trained on: the tutorial makes it black and white.
    const seen = objective === 'tutorial' ? values.map((value) => Number(value > 0.5)) : values;
    const { levels, input, shown, behind } = noiseMoreAndMore(
      objective,
      { ...shape, values: seen },
      current.seed,
    );
    const predictions =
      unet && isKnown(unet, images)
        ? toBytes(
            behind(await unet.predict(input, { count, ...makeConditions(unet, levels, images.labels) })),
          )
        : undefined;
    const strip = { step, clean: toBytes(seen), noisy: toBytes(shown), predictions };
    post({ type: 'pictures', pictures: { strip } });
  }

  /** Sends samples of the run after a step, of a fixed seed, a column for each class: only the network changes from one grid to the next. */
  private async grid(step: number, signal?: AbortSignal): Promise<void> {
    const { session, objective, settings, current, post } = this.state;
    const { run, engine } = session;
    // It may have been closed before these pictures had their turn.
    if (!run?.unet || !engine || settings.samples === 0) return;
    const { unet, complete } = run;
    const classes = classesOf(unet);
    const count = fullGrid(settings.samples, classes);
    const sampler = await session.samplers.sampler('grid', engine, unet, count);
    const how = liveSampling({ unet, objective }, engine.adapter, count);
    const polish = complete && unet.sampling?.polish;
    const images = toBytes(await sampler.sample({ ...how, polish, seed: current.seed, signal }));
    const grid = { step, images, columns: columnsFor(count, classes), isLast: complete };
    post({ type: 'pictures', pictures: { grid } }, [images.buffer]);
  }
}

const classesOf = ({ config }: UNet) => config.conditioning?.classes ?? 0;

/** Whether images have the network's size, and the labels that it needs. */
const isKnown = (unet: UNet, { height, width, channels, labels }: ImageSet) =>
  unet.config.height === height &&
  unet.config.width === width &&
  unet.config.channels === channels &&
  (classesOf(unet) === 0 || labels !== undefined);
