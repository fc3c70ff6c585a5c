#!/usr/bin/env python3
"""PyTorch's twin of the workload `gpt` on the CPU: 4 layers, width 128, 4 heads, context 128, vocabulary 96, batch 16, AdamW.

    benches/torch_gpt.py gpt STEPS      STEPS of 0 are about four seconds of them

Takes what the peers' programs take: PEERS_THREADS, PEERS_MODE (eager | compile), PEERS_T0; warms up for a second, times ten chunks of
steps, and prints a line of JSON. The optimizer is PyTorch's fused one and attention its fused kernel, in both modes.
"""

import json
import os
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

BATCH, LENGTH, VOCABULARY, WIDTH, HEADS, LAYERS = 16, 128, 96, 128, 4, 4


class Block(nn.Module):
    """nn.TransformerEncoderLayer(norm_first=True) with causal attention by the fused kernel."""

    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.linear1, self.linear2 = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        batch, length, _ = x.shape
        q, k, v = (t.view(batch, length, HEADS, -1).transpose(1, 2) for t in self.qkv(self.norm1(x)).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, WIDTH))
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x))))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.position = nn.Embedding(VOCABULARY, WIDTH), nn.Parameter(torch.randn(LENGTH, WIDTH))
        self.blocks = nn.Sequential(*[Block() for _ in range(LAYERS)])
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY)

    def forward(self, tokens):
        return self.head(self.norm(self.blocks(self.embedding(tokens) + self.position)))


def main():
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    if "PEERS_THREADS" in os.environ:
        torch.set_num_threads(int(os.environ["PEERS_THREADS"]))
    torch.manual_seed(0)
    mode = os.environ.get("PEERS_MODE", "eager")
    model = Gpt()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    at = torch.arange(BATCH * LENGTH + 1)
    text = (at * at + at // 7) % VOCABULARY
    tokens, following = text[:-1].view(BATCH, LENGTH), text[1:].view(BATCH, LENGTH)

    def loss_of(tokens, following):
        return F.cross_entropy(model(tokens).flatten(0, 1), following.flatten())

    if mode == "compile":
        loss_of = torch.compile(loss_of)

    def run(count):
        for _ in range(count):
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(tokens, following)
            loss.backward()
            optimizer.step()
        return loss.item()

    first_loss = run(1)
    cold = (time.time_ns() - int(os.environ["PEERS_T0"])) / 1e6 if "PEERS_T0" in os.environ else None
    clock, warm = time.perf_counter(), 0
    while warm < 3 or time.perf_counter() - clock < 1.0:
        run(1)
        warm += 1
    estimate = (time.perf_counter() - clock) / warm
    steps = steps or max(10, int(4.0 / estimate))
    chunk, times = max(1, steps // 10), []
    for _ in range(max(1, steps // chunk)):
        clock = time.perf_counter()
        last_loss = run(chunk)
        times.append((time.perf_counter() - clock) * 1e3 / chunk)
    line = {
        "peer": "pytorch",
        "version": torch.__version__,
        "backend": mode,
        "threads": torch.get_num_threads(),
        "workload": "gpt",
        "ms_per_step_median": round(statistics.median(times), 5),
        "ms_per_step_min": round(min(times), 5),
        "steps": steps,
        "cold_ms": cold and round(cold, 1),
        "peak_rss_mb": peak_memory_mb(),
        "loss0": first_loss,
        "loss1": last_loss,
    }
    print(json.dumps(line))


def peak_memory_mb():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM"):
                return round(int(line.split()[1]) / 1024, 1)


if __name__ == "__main__":
    main()
