#!/usr/bin/env python3
"""Makes flow.json and flow_pictures.json anew: training steps of each conditioned network as PyTorch takes them, in float32 on
one thread.

  python3 test/numbers/golden/flow_reference.py

Weights and batches equal the ones of flowWeights and flowBatch in workload.ts, made here once more, bit for bit: their checksums
stand in the files, so that a loss that differs can be told from an input that differs. The script also takes the steps in float64 and prints
how far the two lie apart, which says what a tolerance must allow for rounding.
"""
import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

SIDE = 28
BATCH = 16
STEPS = {'flow.json': 20, 'flow_pictures.json': 1}
# Steps, counted from 0, whose gradients are kept.
KEPT = {'flow.json': (0, 2, 19), 'flow_pictures.json': (0,)}
# How many elements of each gradient are kept.
SAMPLES = 32
NO_CLASS = 10
# By file: side of the kernels, and the convolutions in forward order. Of a level with several, all but the first are residual, and so is not
# the last of all.
NETWORKS = {
    'flow.json': (
        5,
        [('down.0', 1, 32), ('down.1', 32, 64), ('down.2', 64, 64), ('up.0', 64, 64), ('up.1', 64, 32), ('up.2', 32, 1)],
    ),
    'flow_pictures.json': (
        3,
        [
            ('down.0.0', 3, 32),
            ('down.0.1', 32, 32),
            ('down.1.0', 32, 64),
            ('down.1.1', 64, 64),
            ('down.2.0', 64, 64),
            ('down.2.1', 64, 64),
            ('down.2.2', 64, 64),
            ('up.0.0', 64, 64),
            ('up.0.1', 64, 64),
            ('up.0.2', 64, 64),
            ('up.1.0', 64, 32),
            ('up.1.1', 32, 32),
            ('up.2.0', 32, 32),
            ('up.2.1', 32, 3),
        ],
    ),
}
# By file: side and channels of the images, and classes of the network.
IMAGES = {'flow.json': (28, 1, 10), 'flow_pictures.json': (24, 3, 0)}


# ---------------------------------------------------------------- inputs, as workload.ts has them


class Generator:
    """mulberry32. Its state only counts, so any number of draws can be made at once."""

    def __init__(self, seed):
        self.state = seed % 2**32

    def draw(self, count):
        """The next numbers in [0, 1), float64 [count]."""
        step = 0x6D2B79F5
        # Products and sums of 32 bits wrap around in 64, of which the lower 32 are kept.
        a = (self.state + step * np.arange(1, count + 1, dtype=np.uint64)) & 0xFFFFFFFF
        self.state = (self.state + step * count) % 2**32
        t = ((a ^ (a >> 15)) * (a | 1)) & 0xFFFFFFFF
        t ^= (t + (t ^ (t >> 7)) * (t | 61)) & 0xFFFFFFFF
        return (t ^ (t >> 14)).astype(np.float64) / 2**32


def flow_weights(side, layers, classes=10):
    """float32 arrays by name, flat, in the order of the parameters; kernels of convolutions are [side, side, in, out]."""
    generator = Generator(1234)

    def uniform(size, limit):
        return ((generator.draw(size) * 2 - 1) * limit).astype(np.float32)

    weights = {}
    area = side * side
    for name, fan_in, fan_out in layers:
        weights[f'{name}.kernel'] = uniform(area * fan_in * fan_out, math.sqrt(6 / (area * fan_in + area * fan_out)))
        weights[f'{name}.bias'] = np.zeros(fan_out, np.float32)
    weights['conditioning.hidden.kernel'] = uniform(32 * 64, math.sqrt(6 / (32 + 64)))
    if classes:
        weights['conditioning.hidden.classes'] = uniform((classes + 1) * 64, math.sqrt(3))
    weights['conditioning.hidden.bias'] = np.zeros(64, np.float32)
    biases = sum(fan_out for _, _, fan_out in layers[:-1])
    weights['conditioning.output.kernel'] = uniform(64 * biases, math.sqrt(6 / (64 + biases)))
    weights['conditioning.output.bias'] = np.zeros(biases, np.float32)
    return weights


def strokes(draws):
    """Three connected strokes that follow from 8 draws, float32 [28, 28] in [0, 1]."""
    image = np.zeros((SIDE, SIDE), np.float32)
    px, py = 6 + draws[0] * 16, 6 + draws[1] * 16
    for stroke in range(3):
        qx, qy = 4 + draws[2 + 2 * stroke] * 20, 4 + draws[3 + 2 * stroke] * 20
        for k in range(25):
            cx, cy = px + ((qx - px) * k) / 24, py + ((qy - py) * k) / 24
            for y in range(max(0, math.floor(cy - 2)), math.floor(min(SIDE - 1, cy + 2)) + 1):
                for x in range(max(0, math.floor(cx - 2)), math.floor(min(SIDE - 1, cx + 2)) + 1):
                    ink = max(0.0, min(1.0, 1.8 - math.hypot(x - cx, y - cy)))
                    if ink > float(image[y, x]):
                        image[y, x] = ink
        px, py = qx, qy
    return image


def flow_batch(step, side=SIDE, channels=1):
    """noisy and target, float32 [16, side, side, channels], levels, float32 [16], and labels, uint32 [16]."""
    generator = Generator(104729 * (step + 1) + BATCH)
    noisy, target = (np.empty((BATCH, side, side, channels), np.float32) for _ in range(2))
    levels, labels = np.empty(BATCH, np.float32), np.empty(BATCH, np.uint32)
    middle = slice((SIDE - side) // 2, (SIDE + side) // 2)
    for i in range(BATCH):
        drawn = np.stack([strokes(generator.draw(8).tolist())[middle, middle] for _ in range(channels)], 2)
        x = 2 * drawn.astype(np.float64) - 1
        level, label, withheld = generator.draw(3)
        levels[i] = level
        labels[i] = NO_CLASS if withheld < 0.05 else math.floor(label * 10)
        # A sum of multiples of 2^-32 is exact, whatever its order.
        e = generator.draw(x.size * 12).reshape(*x.shape, 12).sum(3) - 6
        t = float(levels[i])
        noisy[i] = (1 - t) * x + t * e
        target[i] = e - x
    return noisy, target, levels, labels


def checksum(arrays):
    """FNV-1a, 32 bits, of the arrays' bytes, as src/base/hash.ts has it."""
    value = 0x811C9DC5
    for byte in b''.join(array.astype(array.dtype.newbyteorder('<')).tobytes() for array in arrays):
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return f'{value:08x}'


# ---------------------------------------------------------------- the network


def parameters(weights, side, layers, dtype):
    """Tensors in PyTorch's shapes: kernels of convolutions [out, in, side, side], others as they are."""
    shapes = {f'{name}.kernel': (side, side, i, o) for name, i, o in layers}
    shapes |= {'conditioning.hidden.kernel': (32, 64), 'conditioning.hidden.classes': (-1, 64)}
    shapes |= {'conditioning.output.kernel': (64, -1)}
    tensors = {}
    for name, values in weights.items():
        # A copy, since training changes it.
        tensor = torch.tensor(values, dtype=dtype).reshape(shapes.get(name, (-1,)))
        if tensor.ndim == 4:
            tensor = tensor.permute(3, 2, 0, 1)
        tensors[name] = tensor.contiguous().requires_grad_()
    return tensors


def flat(tensor):
    """A parameter's values in the order of the weights, kernels of convolutions as [side, side, in, out]."""
    return (tensor.permute(2, 3, 1, 0) if tensor.ndim == 4 else tensor).reshape(-1)


def network(p, layers, noisy, levels, labels):
    """noisy [n, channels, side, side], levels [n], labels [n]; gives the velocity, of the shape of noisy."""
    frequencies = torch.tensor([100 ** (k / 15) for k in range(16)], dtype=torch.float64).to(levels.dtype)
    phases = levels[:, None] * frequencies
    phi = torch.cat([phases.sin(), phases.cos()], 1)
    hidden = phi @ p['conditioning.hidden.kernel']
    if 'conditioning.hidden.classes' in p:
        hidden = hidden + p['conditioning.hidden.classes'][labels]
    added = F.silu(hidden + p['conditioning.hidden.bias']) @ p['conditioning.output.kernel'] + p['conditioning.output.bias']
    biases = dict(zip((name for name, _, _ in layers), added.split([o for _, _, o in layers[:-1]], 1)))

    def conv(name, x):
        return F.conv2d(x, p[f'{name}.kernel'], p[f'{name}.bias'], padding='same')

    def level(name, x):
        """The convolutions of a level one after the other; all but the first add their input. The last of all is but a convolution."""
        own = [n for n, _, _ in layers if n == name or n.startswith(f'{name}.')]
        for i, n in enumerate(own):
            if n not in biases:
                return conv(n, x)
            out = F.silu(conv(n, x) + biases[n][:, :, None, None])
            x = x + out if i > 0 else out
        return x

    def double(x):
        return x.repeat_interleave(2, 2).repeat_interleave(2, 3)

    first = level('down.0', noisy)
    second = level('down.1', F.max_pool2d(first, 2))
    bottom = level('up.0', level('down.2', F.max_pool2d(second, 2)))
    middle = level('up.1', double(bottom) + second)
    return level('up.2', double(middle) + first)


def rate(step):
    """The learning rate of a step, counted from 0."""
    return 3e-3 * min(1, (step + 1) / 20)


def train(weights, side, layers, batches, kept_steps, dtype):
    """Losses and global gradient norms, before the update and the clipping, and the gradients of some steps by name."""
    p = parameters(weights, side, layers, dtype)
    optimizer = torch.optim.Adam(p.values(), betas=(0.9, 0.99), eps=1e-8)
    losses, norms, kept = [], [], {}
    for step, (noisy, target, levels, labels) in enumerate(batches):
        noisy, target = (torch.from_numpy(images).to(dtype).permute(0, 3, 1, 2).contiguous() for images in (noisy, target))
        output = network(p, layers, noisy, torch.from_numpy(levels).to(dtype), torch.from_numpy(labels.astype(np.int64)))
        loss = F.mse_loss(output, target)
        optimizer.zero_grad()
        loss.backward()
        if step in kept_steps:
            kept[step] = {name: flat(tensor.grad).clone() for name, tensor in p.items()}
        norms.append(torch.nn.utils.clip_grad_norm_(p.values(), 1.0).item())
        losses.append(loss.item())
        optimizer.param_groups[0]['lr'] = rate(step)
        optimizer.step()
    return losses, norms, kept


# ---------------------------------------------------------------- the files


def sampled(size):
    """Up to 32 places of `size`, spread over all of them but not at even distances, which would meet a single channel."""
    count = min(SAMPLES, size)
    return [i * size // count + i * 37 % (size // count) for i in range(count)]


def digits(values):
    """Nine digits tell any f32 apart."""
    return [float(f'{value:.9g}') for value in values]


def lines(value, depth=1):
    """JSON with a line for each list and number, and for each object that is four deep in others."""
    pad = '  ' * depth
    if isinstance(value, dict) and depth < 5:
        items = [f'{pad}{json.dumps(name)}: {lines(item, depth + 1)}' for name, item in value.items()]
        return '{\n' + ',\n'.join(items) + '\n' + pad[2:] + '}'
    if isinstance(value, list) and isinstance(value[0], dict):
        items = [pad + lines(item, depth + 1) for item in value]
        return '[\n' + ',\n'.join(items) + '\n' + pad[2:] + ']'
    return json.dumps(value, ensure_ascii=False)


def write(file, side, layers):
    print(file)
    image_side, channels, classes = IMAGES[file]
    weights = flow_weights(side, layers, classes)
    batches = [flow_batch(step, image_side, channels) for step in range(STEPS[file])]
    losses, norms, kept = train(weights, side, layers, batches, KEPT[file], torch.float32)
    exact_losses, exact_norms, exact_kept = train(weights, side, layers, batches, KEPT[file], torch.float64)

    indices = {name: sampled(values.size) for name, values in weights.items()}
    gradients = [
        {
            'step': step,
            'norm': digits([norms[step]])[0],
            'parameters': {
                name: {
                    'norm': digits([gradient.norm().item()])[0],
                    'max': digits([gradient.abs().max().item()])[0],
                    'values': digits(gradient[indices[name]].tolist()),
                }
                for name, gradient in kept[step].items()
            },
        }
        for step in KEPT[file]
    ]
    differences = [abs(a / b - 1) for a, b in zip(losses, exact_losses)]
    for step, (loss, norm) in enumerate(zip(losses, norms)):
        apart = f'{differences[step]:.1e}, {abs(norm / exact_norms[step] - 1):.1e}'
        print(f'step {step}: loss {loss:.9g}, gradient norm {norm:.9g}; float64 differs by {apart}')
    for step in KEPT[file]:
        print(f'step {step}: how far the gradients differ from those in float64, as a share of their largest element')
        for name, gradient in kept[step].items():
            exact = exact_kept[step][name]
            print(f'  {name}: {((gradient.double() - exact).abs().max() / exact.abs().max()).item():.1e}')

    fields = {
        'about': 'Losses and gradients of the conditioned network (flowWeights and flowBatch of harness/run/golden_workload.ts): '
        'Adam with betas 0.9 and 0.99, gradients clipped to a norm of 1, one fresh batch a step. Steps count from 0; '
        'losses, norms and gradients are those before the clipping and the update. weights and inputs are checksums.',
        'regenerate': 'python3 test/numbers/golden/flow_reference.py',
        'library': f'PyTorch {torch.__version__.split("+")[0]} in float32 on one thread; float64 on the same inputs differs '
        f'by at most {max(differences):.0e} in a loss',
        'batch': BATCH,
        # Of flowWeights, and of each step's noisy, target, levels and labels.
        'weights': checksum(weights.values()),
        'inputs': [checksum(batch) for batch in batches],
        'rates': digits(map(rate, range(STEPS[file]))),
        'losses': digits(losses),
        'norms': digits(norms),
        'indices': indices,
        'gradients': gradients,
    }
    Path(__file__).with_name(file).write_text(lines(fields) + '\n')


def main():
    torch.set_num_threads(1)
    for file, (side, layers) in NETWORKS.items():
        write(file, side, layers)


if __name__ == '__main__':
    main()
