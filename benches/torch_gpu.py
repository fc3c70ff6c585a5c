#!/usr/bin/env python3
"""Measures PyTorch's training steps on a CUDA card, for gpu.sh: `torch_gpu.py WORKLOAD BATCH eager|compile|graph STEPS`.

Prints one line of JSON, measured as the example `bench` does: the data is on the card, the loss is read at the end of a
chunk of steps. `graph` captures the whole step as one CUDA graph.
"""

import json
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False


class Residual(nn.Module):
    def __init__(self, inputs: int, filters: int, stride: int):
        super().__init__()
        self.inner = nn.Sequential(*conv(inputs, filters, 3, stride), nn.ReLU(), *conv(filters, filters, 3, 1))
        self.shortcut = nn.Identity() if stride == 1 else nn.Sequential(*conv(inputs, filters, 1, stride))

    def forward(self, x):
        return F.relu(self.inner(x) + self.shortcut(x))


def conv(inputs: int, filters: int, kernel: int, stride: int):
    return nn.Conv2d(inputs, filters, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(filters)


def mlp(widths: list[int], activation) -> nn.Module:
    layers = [[nn.Linear(a, b), activation()] for a, b in zip(widths, widths[1:])]
    return nn.Sequential(*[layer for pair in layers for layer in pair][:-1])


def cnn() -> nn.Module:
    def stage(inputs, filters):
        return nn.Conv2d(inputs, filters, 5, padding=2), nn.BatchNorm2d(filters), nn.ReLU(), nn.MaxPool2d(2)

    return nn.Sequential(*stage(1, 16), *stage(16, 32), nn.Flatten(), nn.Linear(32 * 7 * 7, 10))


def resnet() -> nn.Module:
    blocks, inputs = [], 16
    for filters, first in ((16, 1), (32, 2), (64, 2)):
        for stride in (first, 1, 1):
            blocks.append(Residual(inputs, filters, stride))
            inputs = filters
    return nn.Sequential(*conv(3, 16, 3, 1), nn.ReLU(), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def workload(name: str, batch: int, device: torch.device, graph: bool):
    """The model, its data, its loss and its optimizer."""
    labels = torch.arange(batch, device=device) % 10
    adam = lambda p: torch.optim.Adam(p, lr=1e-3, fused=True, capturable=graph)  # noqa: E731
    sgd = lambda rate, momentum=0.0: lambda p: torch.optim.SGD(p, lr=rate, momentum=momentum, fused=True)  # noqa: E731
    noise = lambda *shape: torch.rand(batch, *shape, device=device) * 2 - 1  # noqa: E731
    if name == "curve":
        x = torch.linspace(-1, 1, batch, device=device).view(batch, 1)
        return mlp([1, 16, 16, 1], nn.Tanh), x, torch.sin(3 * x), F.mse_loss, sgd(0.1)
    if name == "mlp":
        return mlp([784, 128, 64, 10], nn.ReLU), noise(784), labels, F.cross_entropy, adam
    if name == "cnn":
        return cnn(), noise(1, 28, 28), labels, F.cross_entropy, adam
    if name == "resnet":
        return resnet(), noise(3, 32, 32), labels, F.cross_entropy, sgd(0.01, 0.9)
    width = 4096 if name == "wide" else int(name.removeprefix("width-"))
    return mlp([1024, width, width, 1024], nn.ReLU), noise(1024), noise(1024), F.mse_loss, sgd(0.01)


def main() -> None:
    name, batch, mode, steps = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    model, x, y, criterion, optimizer = workload(name, batch, device, mode == "graph")
    model = model.to(device).train()
    optimizer = optimizer(model.parameters())

    def forward():
        return criterion(model(x), y)

    if mode == "compile":
        forward = torch.compile(forward)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = forward()
        loss.backward()
        optimizer.step()
        return loss.detach()

    if mode == "graph":
        step = captured(step)

    def run(count: int) -> float:
        for _ in range(count):
            loss = step()
        return loss.item()  # waits for the card

    run(3)
    clock, done = time.perf_counter(), 0
    while done < 3 or time.perf_counter() - clock < 1:
        run(max(1, done // 2))
        done += max(1, done // 2)
    estimate = (time.perf_counter() - clock) / done
    steps = steps or int(min(max(4 / estimate, 10), 5e6))
    chunk = max(1, steps // 10)
    times = []
    for _ in range(max(1, steps // chunk)):
        clock = time.perf_counter()
        run(chunk)
        times.append((time.perf_counter() - clock) * 1e3 / chunk)
    print(json.dumps({"ms_per_step_median": round(statistics.median(times), 6), "ms_per_step_min": round(min(times), 6)}))


def captured(step):
    """The step as one CUDA graph, warmed up on a stream of its own as the capture demands."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step()

    def replay():
        graph.replay()
        return loss

    return replay


if __name__ == "__main__":
    main()
