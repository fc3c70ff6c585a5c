"""Writes fixtures/state_dict.safetensors: a `state_dict` as PyTorch saves it, in several types, and what its network predicts.

    pip install torch safetensors
    python make_state_dict.py
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

torch.manual_seed(1)
net = torch.nn.Sequential()
net.add_module(
    "features",
    torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten()
    ),
)
net.add_module("fc1", torch.nn.Linear(64, 6))
net.add_module("fc2", torch.nn.Linear(6, 3))

# Statistics that are not those of a new layer.
images = torch.randn(8, 2, 4, 4)
net.train()
net(images)
net.eval()

# Half of PyTorch's checkpoints are in such types. What is loaded must be what they hold, so the numbers are rounded before they are used.
types = {"features.0": torch.float16, "fc1": torch.bfloat16, "fc2": torch.float64}
for name, dtype in types.items():
    module = net.get_submodule(name)
    for parameter in module.parameters():
        parameter.data = parameter.data.to(dtype).float() if dtype != torch.float64 else parameter.data
with torch.no_grad():
    predicted = net(images)

tensors = {}
for name, tensor in net.state_dict().items():
    dtype = types.get(name.rsplit(".", 1)[0])
    tensors[name] = tensor if dtype is None else tensor.to(dtype)
here = Path(__file__).parent / "fixtures"
here.mkdir(exist_ok=True)
save_file(tensors, here / "state_dict.safetensors", {"format": "pt"})
save_file({"images": images, "predicted": predicted}, here / "state_dict_predicted.safetensors")
