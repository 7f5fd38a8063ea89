#!/usr/bin/env python3
"""Trains the small digit classifier by which harness/quality says how good generated digits are.

    python3 harness/studies/train_classifier.py

writes harness/quality/digit-classifier.safetensors and, for the tests, test/numbers/quality/classifier.json, and prints how many of
the held-out digits the stored network names rightly. It needs PyTorch (a processor will do) and takes a minute or two.
The same PyTorch on the same processor writes the same bytes; elsewhere the last digits differ, and with them the
FNV-1a in harness/quality/classifier.ts, which is printed, too.

It learns from the first 9,000 of the digits in src/data and never sees the last 1,000. Half of the images it learns
from are binarised, since binarised images are what it judges; it sees each turned, scaled, sheared and shifted a little.
A fifth of what it sees is noise, of which it learns to say that it may be anything: otherwise it would be sure that
noise is an 8, say.
"""
import gzip
import json
import os
import struct

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
DIGITS = os.path.join(ROOT, 'src', 'data', 'mnist-digits')
MODEL = os.path.join(ROOT, 'harness', 'quality', 'digit-classifier.safetensors')
FIXTURE = os.path.join(ROOT, 'test', 'numbers', 'quality', 'classifier.json')

TRAINING = 9000
# Input channels, output channels, stride.
CONVS = [(1, 16, 1), (16, 16, 2), (16, 32, 1), (32, 32, 2)]
FEATURES = 64
EPOCHS = 16
BATCH = 128
# Images in each batch that show no digit.
BLANK = 32


def read_idx(path):
    data = gzip.open(path).read()
    sizes = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], 'big') for i in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(sizes)).reshape(sizes)


def load_digits():
    """Images [10000][1][28][28] in 0..1 and labels [10000]."""
    images = torch.from_numpy(read_idx(DIGITS + '.idx3-ubyte.gz').astype(np.float32) / 255).unsqueeze(1)
    labels = torch.from_numpy(read_idx(DIGITS + '.idx1-ubyte.gz').astype(np.int64))
    return images, labels


class Classifier(nn.Module):
    """As trained. Returns logits [n][10] and features [n][FEATURES]."""

    def __init__(self):
        super().__init__()
        blocks = []
        for i, o, stride in CONVS:
            conv = nn.Conv2d(i, o, 3, stride=stride, padding=1, bias=False)
            blocks.append(nn.Sequential(conv, nn.BatchNorm2d(o), nn.ReLU()))
        self.convs = nn.Sequential(*blocks)
        self.drop = nn.Dropout(0.3)
        self.hidden = nn.Linear(CONVS[-1][1] * 7 * 7, FEATURES)
        self.output = nn.Linear(FEATURES, 10)

    def forward(self, x):
        features = F.relu(self.hidden(self.drop(self.convs(x).flatten(1))))
        return self.output(features), features


def augment(x):
    """Random small affine maps; then half of the images binarised."""
    n = len(x)
    spread = lambda width: (torch.rand(n) - 0.5) * width
    angle, scale, shear = spread(0.35), 1 + spread(0.2), spread(0.3)
    rows = [
        torch.stack([angle.cos() * scale, -angle.sin() + shear, spread(0.3)], 1),
        torch.stack([angle.sin(), angle.cos() * scale, spread(0.3)], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), x.shape, align_corners=False)
    x = F.grid_sample(x, grid, align_corners=False)
    return torch.where(torch.rand(n, 1, 1, 1) < 0.5, (x > 0.5).float(), x)


def no_digits(n):
    """Black and white noise, [n][1][28][28]: as fine as pixels or in blobs, from all black to all white."""
    noise = torch.rand(n, 1, 28, 28)
    parts = [F.avg_pool2d(part, size, 1, size // 2) for part, size in zip(noise.chunk(4), (1, 3, 5, 7))]
    noise = torch.cat(parts)
    rank = (torch.rand(n, 1) * 28 * 28).long()
    threshold = noise.flatten(1).sort(1).values.gather(1, rank)
    return (noise > threshold.view(n, 1, 1, 1)).float()


def train(images, labels):
    model = Classifier()
    per_epoch = len(images) // BATCH
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=EPOCHS * per_epoch)
    for epoch in range(EPOCHS):
        total = 0.0
        for batch in torch.randperm(len(images))[: per_epoch * BATCH].split(BATCH):
            logits, _ = model(torch.cat([augment(images[batch]), no_digits(BLANK)]))
            wanted = torch.cat([F.one_hot(labels[batch], 10).float(), torch.full((BLANK, 10), 0.1)])
            loss = F.cross_entropy(logits, wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f'epoch {epoch + 1}: loss {total / per_epoch:.4f}', flush=True)
    return model.eval()


@torch.no_grad()
def fold(model):
    """The trained parameters, batch norm folded into the convolutions, rounded to F16: name -> float32 tensor."""
    parameters = {}
    for n, (conv, norm, _) in enumerate(model.convs, 1):
        gain = norm.weight / (norm.running_var + norm.eps).sqrt()
        parameters[f'conv{n}.kernel'] = conv.weight * gain.view(-1, 1, 1, 1)
        parameters[f'conv{n}.bias'] = norm.bias - norm.running_mean * gain
    for name, layer in [('hidden', model.hidden), ('output', model.output)]:
        parameters[f'{name}.kernel'] = layer.weight
        parameters[f'{name}.bias'] = layer.bias
    return {name: tensor.half().float() for name, tensor in parameters.items()}


@torch.no_grad()
def run(parameters, x):
    """Logits and features of the stored network."""
    for n, (_, _, stride) in enumerate(CONVS, 1):
        kernel, bias = parameters[f'conv{n}.kernel'], parameters[f'conv{n}.bias']
        x = F.relu(F.conv2d(x, kernel, bias, stride=stride, padding=1))
    features = F.relu(F.linear(x.flatten(1), parameters['hidden.kernel'], parameters['hidden.bias']))
    return F.linear(features, parameters['output.kernel'], parameters['output.bias']), features


def as_stored(name, tensor):
    """Channels last, as harness/quality/classifier.ts walks through them: [out][y][x][in] and [out][y * x * in]."""
    if name.startswith('conv') and tensor.dim() == 4:
        return tensor.permute(0, 2, 3, 1)
    if name == 'hidden.kernel':
        return tensor.view(FEATURES, -1, 7, 7).permute(0, 2, 3, 1).flatten(1)
    return tensor


def safetensors(tensors, metadata):
    """The file's bytes. Tensors are numpy arrays, in the order given."""
    kinds = {'float16': 'F16', 'float32': 'F32'}
    header, data = {'__metadata__': metadata}, b''
    for name, array in tensors.items():
        place = [len(data), len(data) + array.nbytes]
        header[name] = {'dtype': kinds[array.dtype.name], 'shape': list(array.shape), 'data_offsets': place}
        data += array.tobytes()
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    return struct.pack('<Q', len(text)) + text + data


def fnv1a(data):
    value = 0x811C9DC5
    for byte in data:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return f'{value:08x}'


def binarise(x):
    return (x > 0.5).float()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    images, labels = load_digits()
    parameters = fold(train(images[:TRAINING], labels[:TRAINING]))

    held, truth = images[TRAINING:], labels[TRAINING:]
    for name, x in [('greys', held), ('binarised', binarise(held))]:
        logits, _ = run(parameters, x)
        right = (logits.argmax(1) == truth).double().mean().item()
        sure = (logits.softmax(1).max(1).values > 0.95).double().mean().item()
        print(f'{len(held)} held-out digits, {name}: {right:.2%} right, {sure:.2%} with a probability over 0.95')

    logits, _ = run(parameters, no_digits(1000))
    print(f'1000 of noise: {(logits.softmax(1).max(1).values > 0.95).double().mean().item():.2%} over 0.95')

    # What the distance to real digits is measured against; working it out again would take ten times as long as
    # measuring a thousand images.
    features = torch.cat([run(parameters, part)[1] for part in binarise(images[:TRAINING]).split(500)]).double()
    print(f'{(features.std(0) == 0).sum()} of {FEATURES} features are the same for all digits')
    tensors = {name: as_stored(name, t).numpy().astype(np.float16, order='C') for name, t in parameters.items()}
    tensors['digits.mean'] = features.mean(0).numpy().astype(np.float32)
    tensors['digits.covariance'] = torch.cov(features.T).numpy().astype(np.float32)

    metadata = {
        'what': 'A classifier of handwritten digits, 28 x 28, 0 to 1, by which generated digits are judged. Kernels are '
        '[out][y][x][in], batch norm is folded in. digits.mean and digits.covariance are those of the features (the '
        'hidden layer) of the first 9,000 digits of webgpu-diffusion, binarised at 0.5.',
        'made_by': 'harness/quality/train_classifier.py',  # as in the shipped file
        'training_data': 'A part of MNIST (Yann LeCun, Corinna Cortes, Christopher J. C. Burges; CC BY-SA 3.0)',
    }
    data = safetensors(tensors, metadata)
    with open(MODEL, 'wb') as file:
        file.write(data)
    print(f'{os.path.relpath(MODEL, ROOT)}: {len(data)} bytes, FNV-1a {fnv1a(data)}')

    # Two held-out digits, as greys and binarised.
    x = torch.cat([held[:2], binarise(held[:2])])
    logits, features = run(parameters, x)
    rounded = lambda t: [[float(f'{value:.7g}') for value in row] for row in t.tolist()]
    with open(FIXTURE, 'w') as file:
        json.dump(
            {
                'made_by': 'harness/studies/train_classifier.py',
                'images': 'digits 9000 and 9001, as greys and then binarised at 0.5',
                'probabilities': rounded(logits.softmax(1)),
                'features': rounded(features),
            },
            file,
        )
        file.write('\n')


if __name__ == '__main__':
    main()
