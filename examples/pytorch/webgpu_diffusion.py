"""The network of webgpu-diffusion in PyTorch, its safetensors files, and sampling and training of the recipe digits.

docs/weights.md shows how they are used.
"""
import json
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn


class Conditioning(nn.Module):
    """From noise levels [n] and classes [n] to a bias for each channel, [n, biases]."""

    def __init__(self, biases, noiseLevel, classes):
        super().__init__()
        self.hidden = nn.Module()
        self.hidden.weight = nn.Parameter(torch.randn(64, 32) / 32**0.5) if noiseLevel else None
        self.hidden.classes = nn.Parameter(torch.randn(classes + 1, 64)) if classes else None
        self.hidden.bias = nn.Parameter(torch.zeros(64))
        self.output = nn.Linear(64, biases)

    def forward(self, levels, labels):
        hidden = self.hidden.bias
        if self.hidden.weight is not None:
            phases = levels[:, None] * levels.new_tensor([100 ** (k / 15) for k in range(16)])
            hidden = hidden + torch.cat([phases.sin(), phases.cos()], 1) @ self.hidden.weight.T
        if self.hidden.classes is not None:
            hidden = hidden + self.hidden.classes[labels]
        return self.output(F.silu(hidden))


class UNet(nn.Module):
    def __init__(self, channels, widths, kernelSize, finalActivation, outChannels=None, convolutionsPerLevel=1,
                 residual=False, conditioning=None, height=None, width=None):
        super().__init__()
        self.final, self.residual = finalActivation, residual
        levels = range(len(widths))
        counts = [convolutionsPerLevel for _ in levels] if isinstance(convolutionsPerLevel, int) else convolutionsPerLevel

        def level(sizes):
            convolutions = [nn.Conv2d(*pair, kernelSize, padding='same') for pair in pairwise(sizes)]
            return convolutions[0] if len(convolutions) == 1 else nn.ModuleList(convolutions)

        ends = [channels, *widths]
        self.down = nn.ModuleList(level([ends[i]] + [widths[i]] * counts[i]) for i in levels)
        up = [[widths[i]] + [widths[max(i - 1, 0)]] * counts[i] for i in reversed(levels)]
        up[-1][-1] = outChannels or channels
        self.up = nn.ModuleList(level(sizes) for sizes in up)
        self.channels = [m.out_channels for m in self.modules() if isinstance(m, nn.Conv2d)][:-1]
        self.conditioning = Conditioning(sum(self.channels), **conditioning) if conditioning else None

    def forward(self, x, levels=None, labels=None):
        biases = iter(())
        if self.conditioning:
            biases = iter(self.conditioning(levels, labels)[:, :, None, None].split(self.channels, 1))
        skips = []
        for level in self.down:
            if level is not self.down[0]:
                skips.append(x)
                x = F.max_pool2d(x, 2)
            x = self.level(level, x, biases)
        for level in self.up:
            x = self.level(level, x, biases)
            if skips:
                x = F.interpolate(x, scale_factor=2) + skips.pop()
        return x

    def level(self, level, x, biases):
        convolutions = level if isinstance(level, nn.ModuleList) else [level]
        for i, convolution in enumerate(convolutions):
            last = level is self.up[-1] and i == len(convolutions) - 1
            y = convolution(x) + next(biases, 0)
            if not last or self.final == 'swish':
                y = F.silu(y)
            x = x + y if self.residual and i > 0 and not last else y
        return x


def load(path):
    """The tensors of a file of float32 by name, and its metadata; `safe_open` of the package safetensors gives the same."""
    data = Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], 'little')
    header = json.loads(data[8:start])
    metadata = header.pop('__metadata__', {})
    tensors = {}
    for name, about in header.items():
        begin, end = (start + offset for offset in about['data_offsets'])
        tensors[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32).reshape(about['shape'])
    return tensors, metadata


def save(path, tensors, metadata):
    header, data = {'__metadata__': metadata}, b''
    for name, tensor in tensors.items():
        values = tensor.detach().cpu().contiguous().numpy().tobytes()
        offsets = [len(data), len(data) + len(values)]
        header[name] = {'dtype': 'F32', 'shape': list(tensor.shape), 'data_offsets': offsets}
        data += values
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    Path(path).write_bytes(len(text).to_bytes(8, 'little') + text + data)


@torch.no_grad()
def sample(net, labels, steps=20, guidance=2, none=10):
    """An image in [0, 1] for each label, of a network of the recipe digits."""
    x = torch.randn(len(labels), 1, 28, 28)
    for i in range(steps):
        levels = torch.full((len(labels),), 1 - i / steps)
        conditional = net(x, levels, labels)
        unconditional = net(x, levels, torch.full_like(labels, none))
        x = x - (unconditional + guidance * (conditional - unconditional)) / steps
    return (x / 2 + 0.5).clamp(0, 1)


def train(net, images, labels, steps, batch=128, rate=1e-4, none=10):
    """More steps on images [n, 1, 28, 28] in [-1, 1] with their labels [n]. Gives the last loss."""
    optimizer = torch.optim.Adam(net.parameters(), rate, betas=(0.9, 0.99))
    for _ in range(steps):
        chosen = torch.randint(len(images), (batch,))
        x, noise, levels = images[chosen], torch.randn(batch, 1, 28, 28), torch.rand(batch)
        # Now and then no class, which is what guidance starts from.
        given = torch.where(torch.rand(batch) < 0.05, none, labels[chosen])
        share = levels[:, None, None, None]
        loss = F.mse_loss(net((1 - share) * x + share * noise, levels, given), noise - x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()
