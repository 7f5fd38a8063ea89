#!/usr/bin/env python3
"""Makes torch.json and torch.safetensors anew: what PyTorch makes of the weights in its layout, by the module of examples/pytorch.

  python3 test/numbers/pytorch/torch_reference.py

Of the presets, with the weights of test/numbers/golden/flow_reference.py, the file has name, shape and checksum of every tensor of the
state_dict, and some outputs for an image. Of a small network it has input and output, and torch.safetensors is its state_dict.
"""
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / 'golden'), str(HERE.parents[1] / 'examples/pytorch')]
import torch  # noqa: E402
from flow_reference import IMAGES, NETWORKS, checksum, digits, flow_batch, flow_weights, lines, sampled  # noqa: E402
from webgpu_diffusion import UNet, save  # noqa: E402

CONDITIONING = {'noiseLevel': True, 'classes': 10}
PRESETS = {
    'tutorial': ('flow.json', {'kernelSize': 5, 'finalActivation': 'swish'}),
    'digits': ('flow.json', {'kernelSize': 5, 'finalActivation': 'none', 'conditioning': CONDITIONING}),
    'pictures': (
        'flow_pictures.json',
        {
            'channels': 3,
            'kernelSize': 3,
            'finalActivation': 'none',
            'conditioning': {'noiseLevel': True, 'classes': 0},
            'convolutionsPerLevel': [2, 2, 3],
            'residual': True,
        },
    ),
}
COUNT = 1
SMALL = {
    'height': 4,
    'width': 6,
    'channels': 2,
    'widths': [3, 5],
    'kernelSize': 3,
    'convolutionsPerLevel': [2, 1],
    'residual': True,
    'finalActivation': 'swish',
    'outChannels': 1,
    'conditioning': {'noiseLevel': True, 'classes': 2},
}


def in_pytorch(weights, side, layers):
    """The weights as PyTorch has them: kernels are [out, in, side, side] and [out, in]."""
    inputs = {name: (side, side, fan_in, fan_out) for name, fan_in, fan_out in layers}
    inputs |= {'conditioning.hidden': (32, 64), 'conditioning.output': (64, -1)}
    state = {}
    for name, values in weights.items():
        layer, kind = name.rsplit('.', 1)
        tensor = torch.from_numpy(values)
        if kind == 'kernel':
            tensor = tensor.reshape(inputs[layer])
            tensor = tensor.permute(3, 2, 0, 1) if tensor.ndim == 4 else tensor.T
            name = f'{layer}.weight'
        elif kind == 'classes':
            tensor = tensor.reshape(-1, 64)
        state[name] = tensor.contiguous()
    return state


def preset(file, config):
    side, layers = NETWORKS[file]
    image_side, channels, classes = IMAGES[file]
    weights = flow_weights(side, layers, classes)
    if 'conditioning' not in config:
        weights = {name: values for name, values in weights.items() if not name.startswith('conditioning')}
    net = UNet(**{'channels': 1, 'widths': [32, 64, 64]} | config)
    net.load_state_dict(in_pytorch(weights, side, layers))
    noisy, _, levels, labels = flow_batch(0, image_side, channels)
    conditions = (torch.from_numpy(levels[:COUNT]), torch.from_numpy(labels[:COUNT].astype('int64'))) if 'conditioning' in config else ()
    with torch.no_grad():
        output = net(torch.from_numpy(noisy[:COUNT]).permute(0, 3, 1, 2), *conditions).permute(0, 2, 3, 1).flatten()
    indices = sampled(output.numel())
    return {
        'tensors': {
            name: {'shape': list(tensor.shape), 'fnv1a': checksum([tensor.numpy()])}
            for name, tensor in net.state_dict().items()
        },
        'indices': indices,
        'outputs': digits(output[indices].tolist()),
    }


def small():
    net = UNet(**SMALL)
    save(HERE / 'torch.safetensors', net.state_dict(), {'format': 'pt'})
    images = torch.randn(3, 2, 4, 6)
    levels, labels = torch.tensor([0.0, 0.25, 1.0]), torch.tensor([0, 2, 1])
    with torch.no_grad():
        output = net(images, levels, labels)
    nhwc = lambda tensor: digits(tensor.permute(0, 2, 3, 1).flatten().tolist())
    return {
        'config': SMALL,
        'images': nhwc(images),
        'levels': digits(levels.tolist()),
        'labels': labels.tolist(),
        'output': nhwc(output),
    }


def main():
    torch.set_num_threads(1)
    torch.manual_seed(7)
    fields = {
        'about': 'What PyTorch makes of the presets with flowWeights (harness/run/golden_workload.ts) and the first image of flowBatch(0, 16), '
        'and of a small network, whose state_dict is torch.safetensors. Images are NHWC, tensors as in PyTorch.',
        'regenerate': 'python3 test/numbers/pytorch/torch_reference.py',
        'library': f'PyTorch {torch.__version__.split("+")[0]} in float32 on one thread',
        'count': COUNT,
        'presets': {name: preset(*about) for name, about in PRESETS.items()},
        'small': small(),
    }
    (HERE / 'torch.json').write_text(lines(fields) + '\n')


if __name__ == '__main__':
    main()
