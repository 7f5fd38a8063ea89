/** A one-line summary of each command: for the overview, which loads no command, and for the command's own --help. */
export const summaries = {
  train:
    'Trains a UNet to take noise out of images; writes its loss curve, its pictures, the model and a checkpoint.',
  sample:
    'Makes images from noise with a trained model, to order if it knows classes; writes them as one PNG.',
  distil:
    'Teaches a copy of a trained model to make its samples in one or two network calls; writes it as a model.',
  evaluate: 'Measures the digits that a trained model makes, beside real digits that nothing was trained on.',
  convert: 'Writes a trained model as an ONNX file, or for PyTorch. Needs no GPU.',
  bench: 'Times the whole network, then every kernel at the shapes it has there, each checked first.',
  check: 'Checks every kernel against its reference on this machine, then the gradient of the whole network.',
  explain:
    'Prints the layers of a network, every dispatch of a training step, and its GPU memory. Needs no GPU.',
  adapters: 'Shows the GPU adapters and browsers of this machine, and what is missing.',
} as const;
