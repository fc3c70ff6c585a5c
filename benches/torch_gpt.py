"""PyTorch's twin of the workload `gpt` on the CPU: 4 layers, width 128, 4 heads, context 128, vocabulary 96, batch 16, AdamW.

usage: torch_gpt.py [steps]      PEERS_THREADS and PEERS_MODE (eager | compile) as in the other programs; prints a line of JSON
"""

import json
import os
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 20
if "PEERS_THREADS" in os.environ:
    torch.set_num_threads(int(os.environ["PEERS_THREADS"]))
torch.manual_seed(0)
mode = os.environ.get("PEERS_MODE", "eager")


class Block(nn.Module):
    """nn.TransformerEncoderLayer(norm_first=True) with causal attention by the fused kernel."""

    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(128), nn.LayerNorm(128)
        self.qkv, self.out = nn.Linear(128, 384), nn.Linear(128, 128)
        self.linear1, self.linear2 = nn.Linear(128, 512), nn.Linear(512, 128)

    def forward(self, x):
        batch, length, _ = x.shape
        q, k, v = (t.view(batch, length, 4, 32).transpose(1, 2) for t in self.qkv(self.norm1(x)).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, 128))
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x))))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.position = nn.Embedding(96, 128), nn.Parameter(torch.randn(128, 128))
        self.blocks = nn.Sequential(*[Block() for _ in range(4)])
        self.norm, self.head = nn.LayerNorm(128), nn.Linear(128, 96)

    def forward(self, tokens):
        return self.head(self.norm(self.blocks(self.embedding(tokens) + self.position)))


model = Gpt()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
at = torch.arange(16 * 128 + 1)
text = (at * at + at // 7) % 96
tokens, following = text[:-1].view(16, 128), text[1:].view(16, 128)


def loss_of(tokens, following):
    return F.cross_entropy(model(tokens).flatten(0, 1), following.flatten())


if mode == "compile":
    loss_of = torch.compile(loss_of)


def step():
    optimizer.zero_grad(set_to_none=True)
    loss = loss_of(tokens, following)
    loss.backward()
    optimizer.step()
    return loss


for _ in range(3):
    step()
times = []
for _ in range(steps):
    clock = time.perf_counter()
    loss = step()
    times.append((time.perf_counter() - clock) * 1e3)
print(
    json.dumps(
        {
            "workload": "gpt",
            "mode": mode,
            "threads": torch.get_num_threads(),
            "ms_per_step_median": round(statistics.median(times), 3),
            "ms_per_step_min": round(min(times), 3),
            "last_loss": loss.item(),
        }
    )
)
