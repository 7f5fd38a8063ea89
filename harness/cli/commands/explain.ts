/** `explain`: lists what a configuration consists of. Needs no GPU. */
import { padBatch } from '../../../src/plan/tensor';
import { recipeAt, recipes } from '../../../src/recipes';
import { toTrainerConfig } from '../../../src/training/options';
import { checkVariants } from '../../../src/unet/check_variants';
import { listLayers } from '../../../src/unet/config';
import { defaultVariants } from '../../../src/unet/variants';
import { variantLines } from '../../text/kernels_text';
import { wrap } from '../../text/units';
import { type Command, defineCommand, integer, text, toggle, UsageError } from '../args';
import { inColour } from '../colours';
import { explainText, WIDTH } from '../explain_text';
import { kernelChoice, kernelFlags } from '../kernel_flags';
import { networkFlags, networkFromFlags } from '../network_flags';
import { summaries } from '../summaries';

/** The text of a shader; of a kernel's first variant, too, which `explain` lists as `conv2d.direct` and whose shader is `conv2d`. */
async function shaderText(given: string): Promise<string> {
  const { commentedShader, hasShader } = await import('../../run/commented_shader');
  const name = hasShader(given) ? given : given.replace(/\.(direct|plain)$/, '');
  if (!hasShader(name)) {
    throw new UsageError(
      `--shader is ${given}; there is no such shader. explain prints the names, below the kernel's own if a kernel has several shaders.`,
    );
  }
  return commentedShader(name).text.trimEnd();
}

export const explain: Command = defineCommand({
  name: 'explain',
  summary: summaries.explain,
  usage: '[flags]',
  flags: {
    ...networkFlags,
    height: integer('N', "of the images (default: the recipe's, 28 or 24)", 1, 4096),
    width: integer('N', 'of the images (default: likewise)', 1, 4096),
    channels: integer('N', 'of the images (default: likewise, 1 or 3)', 1, 1024),
    batch: integer('N', 'images a step (default: as many as the recipe has)', 1, 65536),
    images: integer('N', 'images of the data set (default 10000)', 1, 2 ** 27),
    plain: toggle('plan for a device without optional features such as subgroups'),
    gpu: toggle('plan for a GPU that is not measured, in place of a software adapter'),
    variants: kernelFlags.variants,
    shader: text('NAME', 'print the text of this shader instead, as a GPU gets it, and its comments'),
  },
  async run(given) {
    if (given.shader !== undefined) {
      console.log(await shaderText(given.shader));
      return 0;
    }
    const { recipe = 'tutorial', batch = recipes[recipe].trainer.batchSize } = given;
    const { network } = recipes[recipe];
    const { height = network.height, width = network.width, channels = network.channels } = given;
    const { images = 10_000, plain, gpu } = given;
    const config = networkFromFlags(given, { height, width, channels });
    const layers = listLayers(config);
    const padded = padBatch(batch);
    const features = new Set(plain ? [] : ['subgroups']);
    const fixed = (await kernelChoice({ variants: given.variants })).variants;
    if (fixed) checkVariants(fixed, layers, padded, { features }, true);
    const variants = fixed ?? defaultVariants(layers, padded, { features }, gpu ? 'gpu' : 'software');
    const training = toTrainerConfig(recipeAt(recipe, batch).trainer);
    const explained = explainText(config, batch, images, variants, training);
    const assumed = fixed
      ? 'as given'
      : `the usual ones of a ${gpu ? 'GPU, which measures by default' : 'software adapter; a GPU measures which are fastest'}`;
    const sections = {
      'The network': explained.summary,
      [`Kernel variants, ${assumed}`]: variantLines(variants)
        .flatMap((line) => wrap(line, WIDTH, '  '))
        .join('\n'),
      [`A training step of ${batch} images, ${plain ? 'without' : 'with'} subgroups`]: explained.dispatches,
      'GPU memory': explained.memory,
    };
    console.log(
      Object.entries(sections)
        .map(([title, content]) => `${inColour('bold', title)}\n\n${content}`)
        .join('\n\n'),
    );
    return 0;
  },
});
