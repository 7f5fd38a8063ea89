/** `explain`: what a configuration becomes. Needs no GPU. */
import { type Command, defineCommand, integer, toggle } from '../args';
import { explain as explainText } from '../explain_text';
import { networkFlags, networkOf } from '../network_flags';

export const explain: Command = defineCommand({
  name: 'explain',
  summary:
    'Prints the layers of a network, every dispatch of a training step, and the GPU memory planned for it.',
  usage: '[flags]',
  flags: {
    ...networkFlags,
    height: integer('N', 'of the images (default 28)', 1, 4096),
    width: integer('N', 'of the images (default 28)', 1, 4096),
    channels: integer('N', 'of the images (default 1)', 1, 1024),
    batch: integer('N', 'images a step (default 256)', 1, 65536),
    images: integer('N', 'images of the data set (default 10000)', 1, 2 ** 27),
    plain: toggle('plan for a device without optional features such as subgroups'),
  },
  async run({ height = 28, width = 28, channels = 1, batch = 256, images = 10_000, plain, ...network }) {
    const config = networkOf(network, { height, width, channels });
    const features = new Set<GPUFeatureName>(plain ? [] : ['subgroups']);
    const text = explainText(config, batch, images, features);
    console.log(`The network\n\n${text.summary}\n`);
    console.log(
      `A training step of ${batch} images, ${plain ? 'without' : 'with'} subgroups\n\n${text.dispatches}\n`,
    );
    console.log(`GPU memory\n\n${text.memory}`);
    return 0;
  },
});
