"""The tutorial's training in PyTorch, for comparison on the same card. Prints JSON.

    python3 torch_compare.py --data FILE [--quick]

FILE is IDX images (28x28 bytes), not packed. For each way to run it (TF32 off and on; NCHW and channels_last; eager, compiled,
and compiled with CUDA graphs): the training step at batch 256 on images that lie on the GPU, the forward pass, and a whole
training, 5 epochs over all images, drawn, corrupted and trained on the GPU. The network, its initial weights, the loss and Adam
are webgpu-diffusion's; so are the losses, up to chance.

Milliseconds of steps are by CUDA events on a GPU and by the host's clock elsewhere, after a warm-up that also compiles; whole
trainings are by the host's clock between two synchronisations. Losses stay on the GPU until the end of an epoch.
"""

import argparse
import itertools
import json
import platform
import sys
import time

import torch
from torch import nn


class UNet(nn.Module):
    """1 > 32 > 64 > 64 > 64 > 32 > 1, 5x5, swish after each: 309,057 parameters."""

    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList(conv(*c) for c in ((1, 32), (32, 64), (64, 64)))
        self.up = nn.ModuleList(conv(*c) for c in ((64, 64), (64, 32), (32, 1)))
        self.pool = nn.MaxPool2d(2)
        self.grow = nn.Upsample(scale_factor=2)
        self.act = nn.SiLU()

    def forward(self, x):
        skips = []
        for i, layer in enumerate(self.down):
            x = self.act(layer(x))
            if i < 2:
                skips.append(x)
                x = self.pool(x)
        for i, layer in enumerate(self.up):
            if i > 0:
                x = self.grow(x) + skips.pop()
            x = self.act(layer(x))
        return x


def conv(inputs, outputs):
    layer = nn.Conv2d(inputs, outputs, 5, padding=2)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def read_idx(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    magic, count, height, width = (int.from_bytes(data[i : i + 4], "big") for i in (0, 4, 8, 12))
    if magic != 0x803 or len(data) != 16 + count * height * width:
        sys.exit(f"{path} is not a file of IDX images (idx3-ubyte, not packed)")
    return torch.frombuffer(data, dtype=torch.uint8, offset=16).reshape(count, 1, height, width)


class Run:
    """A network, its optimizer and its data, run in one of the ways."""

    def __init__(self, images, device, batch, tf32, layout, mode):
        torch.manual_seed(123)
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.cudnn.allow_tf32 = tf32
        torch.backends.cudnn.benchmark = True
        # Each way compiles for itself.
        torch.compiler.reset()
        self.images, self.batch, self.device = images, batch, device
        self.format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        net = UNet().to(device, memory_format=self.format)
        self.initial = {name: value.clone() for name, value in net.state_dict().items()}
        self.plain = net
        self.start_again()
        modes = {"eager": None, "compiled": "default", "compiled, CUDA graphs": "reduce-overhead"}
        self.net = torch.compile(net, mode=modes[mode]) if modes[mode] else net

    def start_again(self):
        """Without compiling again."""
        self.plain.load_state_dict(self.initial)
        # eps is added to the root of the corrected second moment, as in webgpu-diffusion.
        parameters = self.plain.parameters()
        self.optimizer = torch.optim.Adam(parameters, lr=1e-3, eps=1e-7, fused=self.device.type == "cuda")

    def corrupt(self, clean):
        amount = torch.rand(clean.shape[0], 1, 1, 1, device=self.device)
        return clean * (1 - amount) + torch.rand_like(clean) * amount

    def step(self, noisy, clean):
        loss = nn.functional.mse_loss(self.net(noisy), clean)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.detach().clone()

    def fixed_batch(self):
        clean = (self.images[: self.batch] > 127).float().to(memory_format=self.format)
        return self.corrupt(clean), clean

    def train(self, epochs):
        """Seconds of a whole training, and the mean loss of each epoch."""
        self.synchronize()
        start = time.perf_counter()
        means = []
        for _ in range(epochs):
            order = torch.randperm(self.images.shape[0], device=self.device)
            losses = []
            for indices in order.split(self.batch):
                clean = (self.images[indices] > 127).float().to(memory_format=self.format)
                losses.append(self.step(self.corrupt(clean), clean))
            means.append(torch.stack(losses).mean())
        means = [float(mean) for mean in means]
        self.synchronize()
        return time.perf_counter() - start, means

    def synchronize(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def milliseconds(self, work, samples):
        """Each of `samples` runs of `work`, done one after the other without a pause."""
        for _ in range(5):
            work()
        self.synchronize()
        if self.device.type == "cuda":
            marks = [torch.cuda.Event(enable_timing=True) for _ in range(samples + 1)]
            marks[0].record()
            for mark in marks[1:]:
                work()
                mark.record()
            torch.cuda.synchronize()
            times = [a.elapsed_time(b) for a, b in itertools.pairwise(marks)]
        else:
            times = []
            for _ in range(samples):
                start = time.perf_counter()
                work()
                times.append(1000 * (time.perf_counter() - start))
        times.sort()
        at = lambda share: times[min(int(share * len(times)), len(times) - 1)]
        return {"median": at(0.5), "p10": at(0.1), "p90": at(0.9), "n": len(times)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", required=True, metavar="FILE", help="IDX images, not packed")
    parser.add_argument("--quick", action="store_true", help="a few small steps, to see that it runs; also without a GPU")
    given = parser.parse_args()
    gpu = torch.cuda.is_available()
    if not gpu and not given.quick:
        sys.exit("PyTorch sees no GPU here (torch.cuda.is_available() is false); --quick runs without one.")
    device = torch.device("cuda" if gpu else "cpu")
    images = read_idx(given.data).to(device)
    batch, samples, epochs = (16, 3, 1) if given.quick else (256, 100, 5)
    if given.quick:
        images = images[: 3 * batch]

    rows = []
    tf32s = (False, True) if gpu else (False,)
    modes = ("eager", "compiled", "compiled, CUDA graphs") if gpu else ("eager", "compiled")
    for tf32, layout, mode in itertools.product(tf32s, ("NCHW", "channels_last"), modes):
        row = {"tf32": tf32, "layout": layout, "mode": mode}
        print(f"{mode}, {layout}, TF32 {'on' if tf32 else 'off'} …", file=sys.stderr, flush=True)
        try:
            start = time.perf_counter()
            run = Run(images, device, batch, tf32, layout, mode)
            noisy, clean = run.fixed_batch()
            float(run.step(noisy, clean))
            row["firstStepSeconds"] = time.perf_counter() - start
            row["step"] = run.milliseconds(lambda: run.step(noisy, clean), samples)
            with torch.no_grad():
                row["forward"] = run.milliseconds(lambda: run.net(noisy), samples)
            run.train(1)  # compiles for the last, smaller batch
            run.start_again()
            seconds, means = run.train(epochs)
            row["training"] = {"epochs": epochs, "steps": epochs * -(-images.shape[0] // batch), "seconds": seconds}
            row["training"]["meanLosses"] = means
        except Exception as error:  # no compiler on this machine, say: the other ways count all the same
            row["error"] = " ".join(f"{type(error).__name__}: {error}".split())[:500]
        rows.append(row)

    print(
        json.dumps(
            {
                "torch": torch.__version__,
                "cuda": torch.version.cuda,
                "cudnn": torch.backends.cudnn.version() if gpu else None,
                "device": torch.cuda.get_device_name() if gpu else platform.processor() or "cpu",
                "batch": batch,
                "images": images.shape[0],
                "parameters": sum(p.numel() for p in UNet().parameters()),
                "timer": "CUDA events" if gpu else "the host's clock",
                "rows": rows,
            },
            indent=1,
        )
    )
    # Without the plain way there is nothing to compare with.
    failed = [row["error"] for row in rows if "error" in row and row["mode"] == "eager"]
    if failed:
        sys.exit(f"eager training failed: {failed[0]}")


if __name__ == "__main__":
    main()
