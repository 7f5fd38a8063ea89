/** `convert`: writes a trained model for PyTorch or as ONNX. Needs no GPU. */
import { exportOnnx } from '../../../src/onnx/index';
import { listParameters } from '../../../src/unet/config';
import type { Model } from '../../../src/weights/model';
import { saveModel } from '../../../src/weights/save_model';
import { defineCommand, text, UsageError } from '../args';
import { checkApart, prepareFile, writeWhole } from '../files';
import { modelFlag, readModel } from '../model_flag';
import { networkSummary } from '../network_flags';
import { summaries } from '../summaries';

export const convert = defineCommand({
  name: 'convert',
  summary: summaries.convert,
  usage: '--onnx FILE.onnx | --pytorch FILE.safetensors [flags]',
  flags: {
    model: modelFlag,
    onnx: text('FILE.onnx', 'write the network for ONNX Runtime and others, with its weights'),
    pytorch: text(
      'FILE.safetensors',
      "write the weights with PyTorch's names and orders, for load_state_dict",
    ),
  },
  notes: 'docs/weights.md has the module for PyTorch, names and shapes, and how to sample in both.',
  async run({ model: given, onnx, pytorch }, { signal }) {
    const wanted = [
      { flag: 'onnx', path: onnx, ending: '.onnx', encode: exportOnnx },
      { flag: 'pytorch', path: pytorch, ending: '.safetensors', encode: forPyTorch },
    ].flatMap(({ path, ...rest }) => (path === undefined ? [] : [{ path, ...rest }]));
    if (wanted.length === 0) {
      throw new UsageError(
        'convert needs --onnx FILE.onnx or --pytorch FILE.safetensors. See convert --help.',
      );
    }
    for (const { flag, path, ending } of wanted) {
      if (!path.toLowerCase().endsWith(ending))
        throw new UsageError(`--${flag} is ${path}; it must end in ${ending}.`);
    }
    checkApart({ model: given, onnx, pytorch });
    const model = await readModel(given, signal);
    for (const { flag, path } of wanted) await prepareFile(path, `--${flag}`);
    for (const { path, encode } of wanted) {
      await writeWhole(path, await encode(model));
      console.log(`Wrote ${path}: ${networkSummary(model.config)}.`);
    }
    return 0;
  },
});

function forPyTorch({ parameters, objective, ...model }: Model): Promise<Uint8Array> {
  const { parameters: list } = listParameters(model.config);
  const unet = { ...model, parameters: list, getParameters: async () => parameters };
  return saveModel(unet, { objective, layout: 'pytorch' });
}
