/** How often digits follow a hand that does not stop: the page's in Chrome, and the package's in Node. */
import { setTimeout } from 'node:timers/promises';
import type { Page } from 'puppeteer';
import { imagesAt, makeFieldNoise } from '../../harness/page/messages/noise_field';
import { launchBrowser } from '../../harness/run/browsers';
import { createEngine } from '../../src';
import { installWebGPU } from '../../src/node';
import { loadPretrained } from '../../src/pretrained';
import { serveSources } from '../lib/page/serve_sources';
import { click, phase, until, visit } from '../lib/page/visit';
import type { Row } from './row';

const SECONDS = 10;
const DIGITS = 10;

const promised = (figure: string, kept: boolean): string => {
  if (!kept) throw new Error(`less than promised: ${figure}`);
  return figure;
};

interface Follow {
  readonly id: number;
  /** The numbers of its images. */
  readonly images: readonly number[];
  answered: boolean;
}

/** Notes in the page, before its own scripts, which images it asks of its worker as the hand moves. */
function noteFollows(): void {
  const follows: Follow[] = [];
  Object.assign(window, { follows });
  const { postMessage } = Worker.prototype;
  let listens = false;
  Worker.prototype.postMessage = function (message, ...rest: unknown[]) {
    if (!listens)
      this.addEventListener('message', ({ data }) => {
        const asked = data.type === 'done' && data.value && follows.find(({ id }) => id === data.id);
        if (asked) asked.answered = true;
      });
    listens = true;
    if (message.call === 'follow') {
      const images = message.args[0].images.map(({ image }: { image: number }) => image);
      follows.push({ id: message.id, images, answered: false });
    }
    return (postMessage as (...all: unknown[]) => void).call(this, message, ...rest);
  };
}
const follows = (page: Page) => page.evaluate(() => (window as unknown as { follows: Follow[] }).follows);

const inChrome: Row = {
  name: 'digits that follow the hand, Make tab',
  async run() {
    await using server = await serveSources();
    await using browser = await launchBrowser('chrome');
    const { page } = await visit(browser, `${server.address}?task=sample&count=${DIGITS}`, noteFollows);
    await page.setViewport({ width: 1280, height: 800 });
    // Once all shaders are compiled.
    await phase(page, 'idle');
    await click(page, '#sample');
    await until(page, () => document.getElementById('frame-label')!.textContent === 'step 4 of 4');
    await setTimeout(2000);
    await phase(page, 'idle');
    const field = (await (await page.$('#noise-field'))!.boundingBox())!;
    const x = field.x + field.width / 2;
    const y = field.y + field.height / 2;
    await page.mouse.move(x, y);
    await page.mouse.down();
    const from = (await follows(page)).length;
    const start = performance.now();
    for (let angle = 0; performance.now() - start < 1000 * SECONDS; angle += 0.037) {
      await page.mouse.move(
        x + 0.4 * field.width * Math.cos(angle),
        y + 0.4 * field.height * Math.sin(angle),
      );
      await setTimeout(16);
    }
    const seconds = (performance.now() - start) / 1000;
    const asked = (await follows(page)).slice(from).filter(({ answered }) => answered);
    const rates = Array.from(
      { length: DIGITS },
      (_, image) => asked.filter(({ images }) => images.includes(image)).length / seconds,
    );
    const hand = rates[DIGITS - 1];
    const every = Math.min(...rates);
    const figure = `${hand.toFixed(1)} times a second under the hand, ${every.toFixed(1)} times all ten`;
    return promised(figure, hand >= 10 && every >= 4);
  },
};

const inNode: Row = {
  name: 'digits that follow the hand, Node',
  async run() {
    await installWebGPU();
    using engine = await createEngine();
    const model = await loadPretrained('digits-instant');
    const unet = await engine.createUNet(model.config, { sampling: model.sampling });
    await unet.setParameters(model.parameters);
    const sampler = await engine.createSampler(unet, { count: DIGITS });
    const labels = Array.from({ length: DIGITS }, (_, digit) => digit);
    const follow = (across: number) =>
      sampler.sample({ labels, noise: makeFieldNoise(1, imagesAt({ across, down: 50 }, DIGITS), 784) });
    for (let i = 0; i < 5; i++) await follow(i);
    const start = performance.now();
    let times = 0;
    for (; performance.now() - start < 1000 * SECONDS; times++) await follow(times % 100);
    const rate = (1000 * times) / (performance.now() - start);
    return promised(`${rate.toFixed(1)} times a second all ten`, rate >= 15);
  },
};

export const hand: readonly Row[] = [inChrome, inNode];
