#!/usr/bin/env python3
"""PyTorch's twins of the examples char_rnn and tiny_gpt: the same networks, windows, optimizers and numbers of steps.

    benches/twins.py char_rnn --text FILE --epochs 20 --seed 1
    cargo run --release --example char_rnn -- --text FILE --epochs 20 --seed 1

Both print the loss of the text's last tenth. First weights and the order of batches are drawn by each for itself, so compare
several seeds."""

import argparse

import torch
from torch import nn

VOCABULARY, LENGTH, BATCH = 97, 64, 32


def encode(text):
    """As examples/src/text.rs."""
    classes = {"\n": 0, "\t": 1} | {chr(code): code - 31 for code in range(32, 127)}
    return [classes.get(character, 96) for character in text if character != "\r"]


def windows(tokens):
    step = min(max(len(tokens) // 20_000, -(-LENGTH // 4)), LENGTH)
    starts = range(0, max(len(tokens) - LENGTH, 0), step)
    tokens = torch.tensor(tokens)
    inputs = torch.stack([tokens[start : start + LENGTH] for start in starts])
    return inputs, torch.stack([tokens[start + 1 : start + LENGTH + 1] for start in starts])


class CharRnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.lstm = nn.Embedding(VOCABULARY, 64), nn.LSTM(64, 128, batch_first=True)
        self.linear = nn.Linear(128, VOCABULARY)

    def forward(self, text):
        return self.linear(self.lstm(self.embedding(text))[0])


class TinyGpt(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.embedding, self.position = nn.Embedding(VOCABULARY, width), nn.Parameter(torch.empty(LENGTH, width))
        nn.init.normal_(self.embedding.weight, std=0.02)
        nn.init.normal_(self.position, std=0.02)
        self.dropout = nn.Dropout(0.1)
        options = dict(activation="gelu", batch_first=True, norm_first=True)
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(width, 4, 4 * width, **options) for _ in range(3))
        self.norm = nn.LayerNorm(width)
        self.mask = nn.Transformer.generate_square_subsequent_mask(LENGTH)

    def forward(self, text):
        x = self.dropout(self.embedding(text) + self.position)
        for block in self.blocks:
            x = block(x, src_mask=self.mask, is_causal=True)
        return self.norm(x) @ self.embedding.weight.T


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=["char_rnn", "tiny_gpt"])
    parser.add_argument("--text", required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    with open(options.text, encoding="utf-8", errors="replace") as file:
        tokens = encode(file.read())
    cut = len(tokens) // 10 * 9
    (inputs, targets), (test_inputs, test_targets) = windows(tokens[:cut]), windows(tokens[cut:])
    if options.network == "char_rnn":
        net = CharRnn()
        optimizer, decay = torch.optim.Adam(net.parameters(), lr=4e-3), 0.1 ** (1 / options.epochs)
    else:
        net = TinyGpt()
        optimizer, decay = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05), 1.0
    loss_of = nn.CrossEntropyLoss()
    for epoch in range(1, options.epochs + 1):
        net.train()
        order = torch.randperm(len(inputs))
        for batch in order.split(BATCH):
            optimizer.zero_grad()
            loss = loss_of(net(inputs[batch]).flatten(0, 1), targets[batch].flatten())
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] *= decay
        net.eval()
        with torch.no_grad():
            tested = loss_of(net(test_inputs).flatten(0, 1), test_targets.flatten()).item()
        print(f"epoch {epoch}: loss {loss.item():.3f}, of unseen text {tested:.4f}", flush=True)


main()
