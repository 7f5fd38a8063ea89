/** The words that a visitor may not know, each in a sentence or two. One list for the whole page. */

export const glossary = {
  batch:
    'The images that the network looks at in one training step. Their errors are averaged, so a larger batch gives a steadier direction and takes longer.',
  denoise: 'To take noise away: to guess, from a noisy image, the clean one behind it.',
  distil:
    'To teach a copy of a network to go from noise to an image in one or two looks, where the network itself takes many small steps.',
  epoch: 'One pass over all training images: as many steps as there are batches.',
  'gaussian noise': 'Random numbers around 0: most are small, few are beyond 2 or below −2 (the bell curve).',
  guidance:
    'How far a sampling step follows the class. The network looks twice, told the class and told none, and the step goes this many times the difference. More makes plainer digits, and digits more alike.',
  'learning rate':
    'How far a training step moves the parameters. Too much and learning falls apart, too little and it takes for ever.',
  loss: 'One number for how wrong the network is: the mean of its squared errors, over all pixels and all images of a batch. Training makes it smaller.',
  method:
    'How a sampling step uses what the network says. Euler looks once and goes straight on; Heun looks at both ends and takes the mean, at twice the cost; Adams looks once, and heeds how that has changed since the step before.',
  'moment estimates':
    'Running means of each parameter’s gradient and of its square. Adam divides one by the root of the other, so that every parameter moves at about the same speed.',
  'noise level': 'The share of noise in an image, called t: 0 is the clean image, 1 is nothing but noise.',
  'network call':
    'One look of the network at the images: nearly all of the work. A step of sampling takes one, or two with guidance; a distilled network goes from noise to digits in two.',
  parameter: 'A number inside the network that training adjusts. This network has about 320,000.',
  sample: 'An image that the network makes out of noise.',
  seed: 'A number from which all random numbers follow. The same seed gives the same noise, and so the same result.',
  'skip connection':
    'A way past the small middle of the network: what a layer sees on the way down is added to what comes back up, so that fine detail survives.',
  step: 'In training: one batch is looked at, and all parameters move a little. In sampling: the network looks once, and the image moves a little towards what it sees.',
  velocity:
    'The direction in which an image moves as noise is mixed in: noise − image. Followed backwards it leads to the image.',
} as const;

export type Word = keyof typeof glossary;

export const isWord = (text: string | undefined): text is Word =>
  text !== undefined && Object.hasOwn(glossary, text);
