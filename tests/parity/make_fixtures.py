"""Writes the fixtures of the parity tests: what PyTorch (and scikit-learn, for metrics) computes.

    pip install torch numpy safetensors scikit-learn
    python make_fixtures.py            # writes fixtures/<family>.safetensors

Every case is a small network whose subject stands in the middle of a graph. PyTorch runs it in f64 from f32 parameters
and f32 data, so that all of the tests' tolerance belongs to the other side. A case's tensors are called

    <case>/data/<field>             all samples; whole f32 numbers for classes
    <case>/batches                  sizes of the ten batches, taken from the data one after another, over and over
    <case>/before/<parameter>       parameters and running statistics at the start
    <case>/output/<name>            outputs for the first batch in inference
    <case>/evaluated                mean loss of the first batch in inference
    <case>/loss                     its mean loss while training
    <case>/gradient/<parameter>     the gradients of that
    <case>/field_gradient/<field>   its gradients with respect to inputs
    <case>/losses                   the losses of ten optimizer steps
    <case>/after/<parameter>        parameters and running statistics after them
    <case>/average/<parameter>      the parameters' running average after them, where there is one
    <case>/output_after/<name>      outputs for the first batch in inference, after them

and metrics cases have data, before, batches and <case>/metric/<name>, learning rates <case>/rates, plateaus <case>/values and <case>/rates. Each case draws from a generator of its own,
seeded by its name: a new case changes no other.

Random convolutions are printed as Rust, too, into random_convolutions.rs.
"""

import math
import zlib
from pathlib import Path

import numpy as np
import sklearn.metrics
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from torch.optim import lr_scheduler as schedulers

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
HERE = Path(__file__).parent
BATCHES = [4, 4, 3, 4, 1, 4, 2, 4, 4, 4]
# Of images there are few samples, which come again and again.
FEW = [3, 2, 1, 2] * 2 + [3, 2]
# PyTorch's batch norm refuses vectors one by one: such a batch has no variance.
NO_SINGLES = [4, 2, 3] * 3 + [4]
FAMILIES = {}
DTYPE = torch.float64


class Net:
    """Parameters and running statistics by path, made on first use."""

    def __init__(self, rng):
        self.rng, self.parameters, self.statistics, self.training = rng, {}, {}, True

    def parameter(self, name, shape, scale=1.0, offset=0.0):
        if name not in self.parameters:
            value = np.float32(self.rng.normal(size=shape) * scale + offset)
            self.parameters[name] = torch.tensor(value, dtype=DTYPE, requires_grad=True)
        return self.parameters[name]

    def dense(self, path, x, n, bias=True, scale=1.0, kind="dense"):
        k = x.shape[-1]
        w = self.parameter(f"{path}.{kind}.weight", (n, k), scale / math.sqrt(k))
        b = self.parameter(f"{path}.{kind}.bias", (n,), 0.3) if bias else None
        return F.linear(x, w, b)

    def linear(self, path, x, n, **options):
        return self.dense(path, x, n, kind="linear", **options)

    def module(self, path, module, x):
        """One of PyTorch's modules, with our parameters."""
        tensors = {}
        for name, p in module.named_parameters():
            if p.dim() > 1 and not isinstance(module, torch.nn.LayerNorm | torch.nn.RMSNorm):
                scale, offset = 1 / math.sqrt(p[0].numel()), 0.0
            else:
                scale, offset = 0.3, 0.0 if name == "bias" else 1.0
            tensors[name] = self.parameter(f"{path}.{name}", tuple(p.shape), scale, offset)
        for name, b in module.named_buffers():
            if name == "num_batches_tracked":
                tensors[name] = torch.tensor(0)
                continue
            if f"{path}.{name}" not in self.statistics:
                low, high = (-0.5, 0.5) if name == "running_mean" else (0.5, 2.0)
                value = np.float32(self.rng.uniform(low, high, size=b.shape))
                self.statistics[f"{path}.{name}"] = torch.tensor(value, dtype=DTYPE)
            tensors[name] = self.statistics[f"{path}.{name}"]
        module = module.to(DTYPE)
        return torch.func.functional_call(module.train(self.training), tensors, x)

    def conv(self, path, x, filters, kernel, **options):
        axes = x.dim() - 2
        kind = [torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d][axes - 1]
        return self.module(f"{path}.conv{axes}d", kind(x.shape[1], filters, kernel, **options), x)

    def conv_transpose(self, path, x, filters, kernel, **options):
        axes = x.dim() - 2
        kind = [torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d][axes - 1]
        return self.module(f"{path}.conv_transpose{axes}d", kind(x.shape[1], filters, kernel, **options), x)

    def batch_norm(self, path, x, **options):
        kind = torch.nn.BatchNorm2d if x.dim() == 4 else torch.nn.BatchNorm1d
        return self.module(f"{path}.batch_norm", kind(x.shape[1], **options), x)


def normal(*dims, scale=1.0, offset=0.0):
    return lambda rng, n: rng.normal(size=(n, *dims)) * scale + offset


def uniform(low, high, *dims):
    return lambda rng, n: rng.uniform(low, high, size=(n, *dims))


def classes(count, *dims, low=0):
    """Whole numbers, which have no gradient as an input."""
    draw = lambda rng, n: rng.integers(low, count, size=(n, *dims))
    draw.whole = True
    return draw


def choice(values, *dims):
    return lambda rng, n: rng.choice(values, size=(n, *dims))


def distribution(*dims, axis=-1):
    def draw(rng, n):
        e = np.exp(rng.normal(size=(n, *dims)) * 1.5)
        return e / e.sum(axis=axis if axis < 0 else axis + 1, keepdims=True)

    return draw


def default_optimizer(parameters):
    return torch.optim.SGD(parameters, lr=0.02)


def case(
    family,
    name,
    inputs,
    targets,
    forward,
    optimizer=default_optimizer,
    clip_value=None,
    clip_norm=None,
    batches=BATCHES,
    samples=None,
    ema=None,
    constrain=None,
):
    """`forward(net, **fields)` gives (outputs by name, mean loss); `constrain(parameters by name)` comes behind each step."""
    rng = np.random.default_rng(zlib.crc32(f"{family}/{name}".encode()))
    tensors = FAMILIES.setdefault(family, {})
    assert f"{name}/loss" not in tensors, name

    def put(key, value):
        value = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        value = value.astype(np.float32)
        assert np.isfinite(value).all(), f"{name}/{key}"
        tensors[f"{name}/{key}"] = value

    total = sum(batches) if samples is None else samples
    data = {k: np.float32(draw(rng, total)) for k, draw in (inputs | targets).items()}
    net = Net(rng)
    numbers = [k for k, draw in inputs.items() if not getattr(draw, "whole", False)]

    def batch(start, size, requires_grad=False):
        assert start + size <= total
        fields = {k: torch.tensor(v[start : start + size], dtype=DTYPE) for k, v in data.items()}
        for k in numbers:
            fields[k].requires_grad_(requires_grad)
        return fields

    def infer(group):
        net.training = False
        with torch.no_grad():
            outputs, loss = forward(net, **batch(0, batches[0]))
        net.training = True
        for k, v in outputs.items():
            put(f"{group}/{k}", v)
        return loss

    loss = infer("output")
    for k, v in data.items():
        put(f"data/{k}", v)
    put("batches", batches)
    for k, v in (net.parameters | net.statistics).items():
        put(f"before/{k}", v)
    put("evaluated", [loss.item()])

    kept = {k: v.clone() for k, v in net.statistics.items()}
    fields = batch(0, batches[0], requires_grad=True)
    _, loss = forward(net, **fields)
    loss.backward()
    net.statistics |= kept
    put("loss", [loss.item()])
    for k, v in net.parameters.items():
        put(f"gradient/{k}", torch.zeros_like(v) if v.grad is None else v.grad)
    for k in numbers:
        grad = fields[k].grad
        put(f"field_gradient/{k}", torch.zeros_like(fields[k]) if grad is None else grad)

    parameters = list(net.parameters.values())
    rule, losses, start = optimizer(parameters), [], 0
    held = torch.nn.Module()
    held.all = torch.nn.ParameterList(parameters)
    assert all(a.data_ptr() == b.data_ptr() for a, b in zip(held.all, parameters))
    if ema is not None:
        average = torch.optim.swa_utils.AveragedModel(held, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(ema))
    for size in batches:
        rule.zero_grad(set_to_none=False)
        _, loss = forward(net, **batch(start, size))
        loss.backward()
        for p in parameters:  # PyTorch skips what has no gradient at all; to us it is a gradient of zero
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        if clip_value is not None:
            torch.nn.utils.clip_grad_value_(parameters, clip_value)
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(parameters, clip_norm)
        rule.step()
        if constrain is not None:
            with torch.no_grad():
                constrain(net.parameters)
        losses.append(loss.item())
        if ema is not None:
            average.update_parameters(held)
        start = (start + size) % total
    assert losses[-1] < 20 * max(losses[:4]), f"{name} diverges: {losses}"
    put("losses", losses)
    for k, v in (net.parameters | net.statistics).items():
        put(f"after/{k}", v)
    if ema is not None:
        for k, v in zip(net.parameters, average.module.all):
            put(f"average/{k}", v)
    infer("output_after")


# --- Activations: dense, the activation, dense, mean squared error. ---


def activation(name, function, scale=2.0, width=6):
    """`function(net, x)`, between two dense layers."""

    def forward(net, x, y):
        h = net.dense("h", x, width, scale=scale)
        a = function(net, h)
        p = net.dense("p", a, 3)
        return {"a": a, "p": p}, F.mse_loss(p, y)

    case("activations", name, {"x": normal(5)}, {"y": normal(3)}, forward)


def step(x):
    return (x > 0).to(x.dtype)  # zero gradient


def maxout(x, pieces):
    """Goodfellow et al. 2013: the maximum of each group of consecutive features."""
    return x.unflatten(-1, (-1, pieces)).amax(-1)


activation("identity", lambda net, x: x * 1.0)
activation("step", lambda net, x: step(x))
activation("sigmoid", lambda net, x: torch.sigmoid(x))
activation("hard_sigmoid", lambda net, x: F.relu6(x + 3) / 6, scale=4.0)
activation("tanh", lambda net, x: torch.tanh(x))
activation("relu", lambda net, x: F.relu(x))
activation("relu6", lambda net, x: F.relu6(x), scale=6.0)
activation("leaky_relu", lambda net, x: F.leaky_relu(x))
activation("leaky_relu_slope", lambda net, x: F.leaky_relu(x, 0.3))
activation("prelu", lambda net, x: F.prelu(x, net.parameter("a.prelu.weight", (1,), 0.0, 0.25)))
activation("prelu_wide", lambda net, x: F.prelu(x, net.parameter("a.prelu.weight", (6,), 0.2, 0.25)))
activation("elu", lambda net, x: F.elu(x))
activation("elu_alpha", lambda net, x: F.elu(x, 0.4))
activation("selu", lambda net, x: F.selu(x))
activation("celu", lambda net, x: F.celu(x))
activation("celu_alpha", lambda net, x: F.celu(x, 0.4))
activation("gelu", lambda net, x: F.gelu(x))
activation("gelu_tanh", lambda net, x: F.gelu(x, approximate="tanh"))
activation("silu", lambda net, x: F.silu(x))
activation("swish", lambda net, x: F.silu(x))
activation("mish", lambda net, x: F.mish(x))
activation("softplus", lambda net, x: F.softplus(x))
activation("softplus_beta", lambda net, x: F.softplus(x, beta=2.0, threshold=3.0), scale=3.0)
activation("softsign", lambda net, x: F.softsign(x))
activation("hard_swish", lambda net, x: F.hardswish(x), scale=4.0)
activation("softmax", lambda net, x: F.softmax(x, -1))
activation("log_softmax", lambda net, x: F.log_softmax(x, -1))
activation("maxout", lambda net, x: maxout(x, 3), width=12)


# --- Layers and functions: each between dense layers. ---


def layer(name, function, x=5, width=6, shape=None, out=3, **more):
    """`function(h, **inputs)` between two dense layers; `shape` is what `h` is reshaped to before."""

    def forward(net, x, y, **inputs):
        h = net.dense("h", x, width)
        if shape:
            h = h.reshape(-1, *shape)
        a = function(net, h, **inputs)
        p = net.dense("p", a.flatten(1), out)
        return {"a": a, "p": p}, F.mse_loss(p, y)

    case("layers", name, {"x": normal(x), **more}, {"y": normal(out)}, forward)


layer("dense", lambda net, h: net.dense("a", h, 4))
layer("dense_without_bias", lambda net, h: net.dense("a", h, 4, bias=False))
layer("linear", lambda net, h: net.linear("a", h, 4), width=12, shape=(2, 3, 2))
layer("linear_without_bias", lambda net, h: net.linear("a", h, 4, bias=False), shape=(3, 2))
layer("flatten", lambda net, h: h.flatten(1), width=12, shape=(2, 3, 2))
layer("reshape", lambda net, h: h.reshape(-1, 3, 4), width=12, shape=(2, 3, 2))
layer("dropout_in_inference", lambda net, h: h * 1.0)
layer("add_broadcast", lambda net, h, c: h + c.unsqueeze(1), shape=(2, 3), c=normal(3))
layer("subtract_broadcast", lambda net, h, c: c - h, shape=(2, 3), c=normal(2, 1))
layer("multiply_broadcast", lambda net, h, c: h * c.unsqueeze(1), shape=(2, 1, 3), c=normal(4, 1))
layer("divide_broadcast", lambda net, h, c: h / c.unsqueeze(1), shape=(2, 3), c=uniform(0.5, 2.0, 1))
layer("divide_by_computed", lambda net, h, c: c / (h * h + 0.5), shape=(2, 3), c=normal(2, 3))
layer("scalars", lambda net, h: -(2.0 * h - 1.0) / 3.0 + 1.0 / (h * h + 1.0))
layer("scalar_input", lambda net, h, c: h * c.unsqueeze(-1), c=normal())
layer("exp", lambda net, h: torch.exp(h))
layer("log", lambda net, h: torch.log(h * h + 0.1))
layer("sqrt", lambda net, h: torch.sqrt(h * h + 0.1))
layer("abs", lambda net, h: torch.abs(h))
layer("pow_two", lambda net, h: h**2)
layer("pow_three", lambda net, h: h**3)
layer("pow_five", lambda net, h: (0.5 * h) ** 5)
layer("pow_half", lambda net, h: (h * h + 0.1) ** 0.5)
layer("pow_negative", lambda net, h: (h * h + 0.5) ** -1.5)
layer("pow_tensor", lambda net, h, c: (h * h + 0.5) ** c, c=uniform(-2.0, 2.0, 6))
layer("square", lambda net, h: torch.square(h))
layer("minimum", lambda net, h, c: torch.minimum(h, c.unsqueeze(1)), shape=(2, 3), c=normal(3))
layer("maximum", lambda net, h, c: torch.maximum(h, c.unsqueeze(1)), shape=(2, 3), c=normal(3))
layer("clamp", lambda net, h: torch.clamp(h, -0.5, 0.7))
layer("sum_all", lambda net, h: h.sum((1, 2)).unsqueeze(-1), shape=(2, 3))
layer("sum_axis", lambda net, h: torch.tanh(h).sum(2), width=12, shape=(2, 3, 2))
layer("sum_keep", lambda net, h: h * h.sum(1, keepdim=True), shape=(2, 3))
layer("mean_axis", lambda net, h: torch.tanh(h).mean(1), width=12, shape=(2, 3, 2))
layer("mean_axes", lambda net, h: torch.tanh(h).mean((1, 3)), width=12, shape=(2, 3, 2))
layer("max_axis", lambda net, h: h.amax(1), shape=(3, 2))
layer("max_last", lambda net, h: h.amax(-1), width=12, shape=(2, 2, 3))
layer("concat", lambda net, h, c: torch.cat([torch.tanh(h), c, h], 1), c=normal(2))
layer("concat_axis", lambda net, h, c: torch.cat([h, c], 2), shape=(2, 3), c=normal(2, 2))
layer("matmul", lambda net, h, c: h @ c, shape=(2, 3), c=normal(3, 4))
layer("matmul_batched", lambda net, h, c: h @ c, width=12, shape=(2, 2, 3), c=normal(2, 3, 2))
layer("matmul_broadcast", lambda net, h, c: h @ c.unsqueeze(1), width=12, shape=(2, 2, 3), c=normal(3, 2))
layer("matmul_self", lambda net, h: h @ h, shape=(2, 2), width=4)
layer("softmax_axis", lambda net, h: F.softmax(h, 1), shape=(3, 2))
layer("log_softmax_axis", lambda net, h: F.log_softmax(h, 1), shape=(3, 2))
layer("residual", lambda net, h: torch.tanh(net.dense("a", h, 6)) + h)


# --- Images, sequences and volumes: between a tanh before and a tanh and a dense layer behind. ---


def spatial(family, name, shape, function, draw=None, batches=FEW, samples=8, **more):
    """`function(net, h, **inputs)`, whose own parameters are called `a.…`."""

    def forward(net, x, y, **inputs):
        h = torch.tanh(x)
        a = function(net, h, **inputs)
        p = net.dense("p", torch.tanh(a).flatten(1), 2)
        return {"a": a, "p": p}, F.mse_loss(p, y)

    inputs = {"x": draw or normal(*shape), **more}
    case(family, name, inputs, {"y": normal(2)}, forward, batches=batches, samples=samples)


def convolution(name, shape, filters, kernel, **options):
    spatial("convolutions", name, shape, lambda net, h: net.conv("a", h, filters, kernel, **options))


def transposed(name, shape, filters, kernel, **options):
    spatial("convolutions", name, shape, lambda net, h: net.conv_transpose("a", h, filters, kernel, **options))


def separable(name, shape, filters, kernel, bias=True, **options):
    def function(net, h):
        channels = h.shape[1]
        depthwise = torch.nn.Conv2d(channels, channels, kernel, groups=channels, bias=False, **options)
        pointwise = torch.nn.Conv2d(channels, filters, 1, bias=bias)
        h = net.module("a.separable_conv2d.depthwise", depthwise, h)
        return net.module("a.separable_conv2d.pointwise", pointwise, h)

    spatial("convolutions", name, shape, function)


convolution("conv1d", (3, 9), 4, 3)
convolution("conv1d_same_even", (2, 7), 3, 4, padding="same")
convolution("conv1d_stride_dilation", (2, 11), 3, 3, stride=2, padding=2, dilation=2)
convolution("conv1d_groups", (4, 8), 6, 3, groups=2, bias=False)
convolution("conv1d_reflect", (2, 6), 3, 5, padding=2, padding_mode="reflect")
convolution("conv1d_circular", (2, 6), 3, 3, padding=3, padding_mode="circular", stride=2)
convolution("conv2d", (3, 6, 5), 4, 3)
convolution("conv2d_valid", (2, 5, 6), 3, 2, padding="valid", stride=2)
convolution("conv2d_same", (2, 5, 6), 3, (3, 4), padding="same", dilation=(2, 1))
convolution("conv2d_same_circular", (2, 5, 6), 3, (2, 3), padding="same", padding_mode="circular")
convolution("conv2d_same_replicate", (2, 5, 4), 3, (4, 2), padding="same", padding_mode="replicate", dilation=(1, 3))
convolution("conv2d_per_axis", (2, 7, 6), 3, (3, 2), stride=(2, 1), padding=(1, 2))
convolution("conv2d_wide_padding", (2, 3, 4), 3, 2, padding=3)
convolution("conv2d_pointwise", (3, 5, 4), 5, 1)
convolution("conv2d_pointwise_stride", (3, 5, 4), 5, 1, stride=2)
convolution("conv2d_pointwise_padding", (2, 3, 4), 3, 1, padding=1)
convolution("conv2d_pointwise_groups", (4, 5, 3), 6, 1, groups=2)
convolution("conv2d_sparse", (2, 7, 8), 3, 2, stride=3)
convolution("conv2d_whole_image", (3, 4, 5), 4, (4, 5))
convolution("conv2d_dilation", (2, 7, 6), 3, 3, dilation=2, padding=1)
convolution("conv2d_stride_dilation", (2, 9, 8), 3, 3, stride=(2, 3), padding=(2, 1), dilation=(2, 3))
convolution("conv2d_groups", (4, 5, 6), 6, 3, groups=2, padding=1)
convolution("conv2d_groups_stride", (6, 6, 5), 3, 3, groups=3, stride=2, padding=1, bias=False)
convolution("conv2d_depthwise", (5, 6, 5), 5, 3, groups=5, padding=1)
convolution("conv2d_depthwise_stride", (4, 7, 6), 4, 3, groups=4, padding=1, stride=2, bias=False)
convolution("conv2d_depthwise_multiplier", (3, 5, 5), 6, 3, groups=3, dilation=2, padding=2)
convolution("conv2d_without_bias", (3, 5, 4), 4, 3, padding=1, bias=False)
convolution("conv2d_reflect", (2, 5, 4), 3, 3, padding=(2, 1), padding_mode="reflect")
convolution("conv2d_replicate", (2, 4, 5), 3, 3, padding=2, padding_mode="replicate", stride=2)
convolution("conv2d_circular", (2, 4, 5), 3, 3, padding=(1, 2), padding_mode="circular")
convolution("conv2d_circular_groups", (4, 4, 3), 4, 3, padding=1, padding_mode="circular", groups=4)
convolution("conv3d", (2, 4, 5, 3), 3, 2)
convolution("conv3d_everything", (4, 5, 4, 6), 4, (2, 3, 3), stride=(2, 1, 2), padding=(1, 2, 0), dilation=(1, 2, 1), groups=2)
convolution("conv3d_same", (1, 3, 4, 3), 2, (2, 3, 1), padding="same", bias=False)
convolution("conv3d_replicate", (1, 3, 3, 4), 2, 3, padding=(1, 2, 1), padding_mode="replicate")
convolution("conv3d_depthwise", (3, 3, 4, 4), 3, 3, padding=1, groups=3)

transposed("conv_transpose1d", (3, 5), 4, 3)
transposed("conv_transpose1d_stride", (2, 5), 3, 3, stride=2, padding=1, output_padding=1)
transposed("conv_transpose1d_dilation_groups", (4, 5), 6, 3, stride=3, dilation=2, padding=2, output_padding=2, groups=2)
transposed("conv_transpose2d", (3, 4, 3), 4, 3)
transposed("conv_transpose2d_two", (3, 3, 4), 2, 2, stride=2)
transposed("conv_transpose2d_stride", (3, 3, 4), 4, 3, stride=2, padding=1, output_padding=1)
transposed(
    "conv_transpose2d_per_axis", (2, 4, 3), 3, (3, 2), stride=(2, 3), padding=(1, 0), output_padding=(0, 2), bias=False
)
transposed("conv_transpose2d_dilation", (2, 4, 3), 3, 3, stride=2, padding=2, dilation=2, output_padding=1)
transposed("conv_transpose2d_groups", (4, 3, 3), 6, 3, stride=2, padding=1, groups=2)
transposed("conv_transpose2d_depthwise", (4, 3, 3), 4, 4, stride=2, padding=1, groups=4)
transposed("conv_transpose2d_sparse", (2, 3, 2), 3, 2, stride=3, output_padding=1)
transposed("conv_transpose2d_pointwise", (3, 3, 2), 4, 1, stride=2)

separable("separable_conv2d", (3, 6, 5), 5, 3)
separable("separable_conv2d_stride", (4, 7, 6), 3, 3, stride=2, padding=1, bias=False)
separable("separable_conv2d_same", (2, 5, 6), 4, (3, 2), padding="same", dilation=2)

spatial(
    "convolutions",
    "two_convolutions",
    (2, 7, 6),
    lambda net, h: net.module(
        "a.conv2d_1",
        torch.nn.Conv2d(4, 3, 3, stride=2, padding=1),
        F.relu(net.module("a.conv2d", torch.nn.Conv2d(2, 4, 3, padding=1), h)),
    ),
)


# --- Random convolutions. ---


def random_convolution(number):
    """A convolution or transposed convolution of any options, and how `network!` says it."""
    rng = np.random.default_rng(1000 + number)
    pick = lambda low, high: int(rng.integers(low, high + 1))
    while True:
        axes = [1, 2, 2, 2, 3][pick(0, 4)]
        is_transposed = axes < 3 and rng.random() < 0.25
        groups = [1, 1, 2, 3][pick(0, 3)]
        channels, filters = groups * pick(1, 4 - groups // 2), groups * pick(1, 3)
        size = [pick(3, 11 if axes == 1 else 7 if axes == 2 else 4) for _ in range(axes)]
        kernel, stride = [pick(1, 4) for _ in size], [pick(1, 3) for _ in size]
        dilation, padding = [pick(1, 3) for _ in size], [pick(0, 3) for _ in size]
        output_padding = [pick(0, max(s, d) - 1) for s, d in zip(stride, dilation)]
        reach = [d * (k - 1) for k, d in zip(kernel, dilation)]
        if is_transposed:
            result = [(n - 1) * s + r + 1 - 2 * p + o for n, s, r, p, o in zip(size, stride, reach, padding, output_padding)]
        else:
            result = [(n + 2 * p - r - 1) // s + 1 if n + 2 * p > r else 0 for n, s, r, p in zip(size, stride, reach, padding)]
        if min(result) > 0 and math.prod(result) * filters <= 200:
            break
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "bias": rng.random() < 0.6}
    function, mode = f"conv{axes}d", "zeros"
    if is_transposed:
        function, options = f"conv_transpose{axes}d", options | {"output_padding": output_padding}
    elif rng.random() < 0.3:
        modes = [m for m, room in [("replicate", 99), ("circular", min(size)), ("reflect", min(size) - 1)] if max(padding) <= room]
        options |= {"padding_mode": modes[pick(0, len(modes) - 1)]}
    python = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
    name = f"random_{number:02}"
    (transposed if is_transposed else convolution)(name, (channels, *size), filters, tuple(kernel), **python)
    said = "".join(f", {k} = {str(v).lower() if isinstance(v, bool) else v}" for k, v in options.items())
    return f"    {name} {[channels, *size]} (h >> {function}({filters}, {kernel}{said}))\n"


RANDOM_CONVOLUTIONS = "".join(random_convolution(i) for i in range(40))


# --- Pooling. ---


def pool(name, shape, function, **more):
    spatial("pools", name, shape, lambda net, h: function(h), **more)


nn = torch.nn
pool("max_pool1d", (3, 8), nn.MaxPool1d(2))
pool("max_pool1d_overlapping", (3, 9), nn.MaxPool1d(3, stride=2, padding=1))
pool("max_pool2d", (3, 6, 4), nn.MaxPool2d(2))
pool("max_pool2d_rest", (3, 7, 5), nn.MaxPool2d(2))
pool("max_pool2d_overlapping", (3, 7, 6), nn.MaxPool2d(3, stride=2, padding=1))
pool("max_pool2d_dense", (2, 5, 6), nn.MaxPool2d(3, stride=1, padding=1))
pool("max_pool2d_per_axis", (2, 7, 6), nn.MaxPool2d((2, 3), stride=(1, 2), padding=(1, 0)))
pool("max_pool2d_dilation", (2, 8, 7), nn.MaxPool2d(3, stride=2, padding=1, dilation=2))
pool("max_pool2d_sparse", (2, 8, 7), nn.MaxPool2d(2, stride=3))
pool("max_pool2d_ceil", (2, 6, 5), nn.MaxPool2d(3, stride=2, ceil_mode=True))
pool("max_pool2d_ceil_padding", (2, 6, 5), nn.MaxPool2d(2, stride=3, padding=1, ceil_mode=True))
pool("max_pool2d_ties", (2, 6, 6), nn.MaxPool2d(3, stride=2, padding=1), draw=choice([-1.0, -0.5], 2, 6, 6))
pool("max_pool2d_all_equal", (2, 4, 5), nn.MaxPool2d(2, stride=1), draw=choice([-2.0], 2, 4, 5))
pool("max_pool2d_after_relu", (3, 6, 5), lambda h: nn.MaxPool2d(3, stride=1)(F.relu(h)))
pool("avg_pool1d", (3, 8), nn.AvgPool1d(2))
pool("avg_pool1d_include", (3, 8), nn.AvgPool1d(3, stride=2, padding=1))
pool("avg_pool1d_exclude", (3, 8), nn.AvgPool1d(3, stride=2, padding=1, count_include_pad=False))
pool("avg_pool2d", (3, 6, 4), nn.AvgPool2d(2))
pool("avg_pool2d_overlapping", (3, 7, 6), nn.AvgPool2d(3, stride=2))
pool("avg_pool2d_include", (2, 6, 5), nn.AvgPool2d(3, stride=2, padding=1))
pool("avg_pool2d_exclude", (2, 6, 5), nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False))
pool("avg_pool2d_per_axis", (2, 7, 6), nn.AvgPool2d((2, 4), stride=(3, 1), padding=(1, 2), count_include_pad=False))
pool("avg_pool2d_ceil_include", (2, 6, 5), nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True))
pool("avg_pool2d_ceil_exclude", (2, 6, 5), nn.AvgPool2d(3, stride=2, ceil_mode=True, count_include_pad=False))
pool("global_max_pool", (3, 4, 5), lambda h: nn.AdaptiveMaxPool2d(1)(h).flatten(1))
pool("global_max_pool_ties", (3, 3, 4), lambda h: nn.AdaptiveMaxPool2d(1)(h).flatten(1), draw=choice([0.0, 0.5], 3, 3, 4))
pool("global_max_pool_sequence", (4, 6), lambda h: nn.AdaptiveMaxPool1d(1)(h).flatten(1))
pool("global_avg_pool", (3, 4, 5), lambda h: h.mean((2, 3)))
pool("global_avg_pool_volume", (3, 2, 3, 4), lambda h: h.mean((2, 3, 4)))
pool("adaptive_avg_pool2d", (2, 6, 4), nn.AdaptiveAvgPool2d(2))
pool("adaptive_avg_pool2d_overlapping", (2, 7, 5), nn.AdaptiveAvgPool2d((3, 2)))
pool("adaptive_avg_pool2d_larger", (2, 3, 4), nn.AdaptiveAvgPool2d((5, 7)))
pool("adaptive_avg_pool2d_one", (3, 4, 5), nn.AdaptiveAvgPool2d(1))


# --- Normalizations. ---


def norm(name, shape, module, path, **more):
    spatial("norms", name, shape, lambda net, h: net.module(f"a.{path}", module, h), **more)


norm("batch_norm_vector", (6,), nn.BatchNorm1d(6), "batch_norm", batches=NO_SINGLES, samples=9)
norm("batch_norm_sequence", (4, 5), nn.BatchNorm1d(4), "batch_norm")
norm("batch_norm_image", (4, 5, 3), nn.BatchNorm2d(4), "batch_norm")
norm("batch_norm_volume", (2, 2, 3, 4), nn.BatchNorm3d(2), "batch_norm")
norm("batch_norm_momentum_eps", (3, 4, 5), nn.BatchNorm2d(3, momentum=0.6, eps=0.1), "batch_norm")
norm("batch_norm_not_affine", (3, 4, 5), nn.BatchNorm2d(3, affine=False), "batch_norm")
norm("batch_norm_far_mean", (3, 4, 5), nn.BatchNorm2d(3), "batch_norm", draw=normal(3, 4, 5, scale=0.1, offset=1.0))
norm("layer_norm", (4, 6), nn.LayerNorm(6), "layer_norm")
norm("layer_norm_vector", (7,), nn.LayerNorm(7, eps=0.01), "layer_norm")
norm("layer_norm_image", (3, 4, 5), nn.LayerNorm((3, 4, 5)), "layer_norm")
norm("layer_norm_axes", (3, 4, 5), nn.LayerNorm((4, 5)), "layer_norm")
norm("layer_norm_not_affine", (4, 6), nn.LayerNorm(6, elementwise_affine=False), "layer_norm")
norm("group_norm", (6, 4, 3), nn.GroupNorm(2, 6), "group_norm")
norm("group_norm_one", (4, 5), nn.GroupNorm(1, 4), "group_norm")
norm("group_norm_each_channel", (4, 3, 3), nn.GroupNorm(4, 4, eps=0.1, affine=False), "group_norm")
norm("instance_norm", (3, 4, 5), nn.InstanceNorm2d(3), "instance_norm")
norm("instance_norm_affine", (3, 7), nn.InstanceNorm1d(3, affine=True, eps=1e-3), "instance_norm")
norm("rms_norm", (4, 6), nn.RMSNorm(6), "rms_norm")
norm("rms_norm_axes", (3, 4, 5), nn.RMSNorm((4, 5), eps=0.05), "rms_norm")
norm("rms_norm_not_affine", (4, 6), nn.RMSNorm(6, elementwise_affine=False), "rms_norm")
norm("local_response_norm", (6, 4, 3), nn.LocalResponseNorm(5), "")
norm("local_response_norm_options", (5, 3, 4), nn.LocalResponseNorm(4, alpha=0.9, beta=0.5, k=2.0), "")
norm("local_response_norm_two", (4, 6), nn.LocalResponseNorm(2, alpha=2.0), "")


def conv_batch_norm(net, h):
    return F.relu(net.batch_norm("a", net.conv("a", h, 4, 3, padding=1, bias=False)))


def two_batch_norms(net, h):
    h = F.relu(net.batch_norm("a", net.conv("a", h, 4, 3, padding=1, bias=False)))
    h = net.module("a.conv2d_1", nn.Conv2d(4, 3, 3, stride=2, bias=False), h)
    return net.module("a.batch_norm_1", nn.BatchNorm2d(3), h)


spatial("norms", "conv_batch_norm_relu", (2, 5, 6), conv_batch_norm)
spatial("norms", "two_batch_norms", (2, 6, 7), two_batch_norms)
spatial(
    "norms",
    "dense_batch_norm",
    (5,),
    lambda net, h: F.relu(net.batch_norm("a", net.dense("a", h, 6))),
    batches=NO_SINGLES,
    samples=9,
)


# --- What moves elements, and blocks made of it. ---


def image(name, shape, function, **more):
    spatial("images", name, shape, lambda net, h, **inputs: function(h, **inputs), **more)


def interpolate(scale, **options):
    return lambda h: F.interpolate(h, scale_factor=scale, **options)


BILINEAR = {"mode": "bilinear", "align_corners": False}
image("upsample_nearest", (2, 3, 4), interpolate(2))
image("upsample_nearest_per_axis", (2, 3, 4), interpolate((3.0, 1.0)))
image("upsample_nearest_sequence", (3, 4), interpolate(3))
image("upsample_bilinear", (2, 3, 4), interpolate(2, **BILINEAR))
image("upsample_bilinear_per_axis", (2, 4, 3), interpolate((3.0, 2.0), **BILINEAR))
image("upsample_bilinear_one_row", (3, 1, 4), interpolate((4.0, 5.0), **BILINEAR))
image("pad", (2, 3, 4), lambda h: F.pad(h, (2, 2, 2, 2)))
image("pad_value", (2, 3, 4), lambda h: F.pad(h, (1, 0, 2, 1), value=0.7))
image("pad_channels", (2, 3, 4), lambda h: F.pad(h, (0, 0, 0, 0, 1, 2)))
image("pad_reflect", (2, 4, 3), lambda h: F.pad(h, (2, 1, 3, 0), mode="reflect"))
image("pad_replicate", (2, 3, 4), lambda h: F.pad(h, (1, 3, 2, 0), mode="replicate"))
image("pad_circular", (2, 3, 4), lambda h: F.pad(h, (2, 4, 0, 3), mode="circular"))
image("pad_sequence", (2, 5), lambda h: F.pad(h, (3, 3), mode="reflect"))
image("crop", (2, 5, 6), lambda h: h[:, :, 1:-1, 1:-1])
image("crop_sides", (3, 5, 6), lambda h: h[:, :, 2:, 1:-3])
image("pixel_shuffle", (8, 2, 3), nn.PixelShuffle(2))
image("pixel_unshuffle", (2, 6, 3), nn.PixelUnshuffle(3))
image("channel_shuffle", (6, 3, 2), nn.ChannelShuffle(3))
image("channel_shuffle_sequence", (6, 4), lambda h: h.unflatten(1, (2, 3)).transpose(1, 2).flatten(1, 2))
image("permute", (2, 3, 4), lambda h: h.permute(0, 3, 1, 2))
image("slice", (4, 5, 3), lambda h: h[:, 1:3])
image("slice_step", (3, 8), lambda h: h[:, :, 1:7:2])
image("slice_from_end", (2, 5, 3), lambda h: h[:, :, -3:])
image("stack", (3, 4), lambda h, c: torch.stack([h, c, h * c], 1), c=normal(3, 4))
image("stack_last", (3, 4), lambda h, c: torch.stack([c, h], 3), c=normal(3, 4))
image("split", (6, 4), lambda h: torch.split(h, 2, 1)[0] * torch.split(h, 2, 1)[2] + torch.split(h, 2, 1)[1])
image("split_sizes", (3, 6), lambda h: torch.cat([torch.split(h, [1, 3, 2], 2)[i] for i in (1, 0)], 2))
image("concat_images", (3, 4, 2), lambda h, c: torch.cat([h, c, torch.relu(h)], 1), c=normal(2, 4, 2))
image("residual_broadcast", (3, 4, 2), lambda h, c: h + c + h.mean((2, 3), keepdim=True), c=normal(3, 1, 1))
image("gaussian_noise_in_inference", (3, 4), lambda h: h * 1.0)


def squeeze_excite(net, h):
    s = F.relu(net.dense("a.weight", h.mean((2, 3)), 2))
    s = torch.sigmoid(net.dense("a.weight", s, 4, kind="dense_1"))
    return h * s[:, :, None, None]


def residual(net, h):
    r = F.relu(net.batch_norm("a", net.conv("a", h, 4, 3, padding=1, bias=False)))
    r = net.module("a.conv2d_1", nn.Conv2d(4, 3, 3, padding=1, bias=False), r)
    return F.relu(net.module("a.batch_norm_1", nn.BatchNorm2d(3), r) + h)


def siamese(net, h, c):
    side = lambda x: F.relu(net.module("side.conv2d", nn.Conv2d(2, 3, 3, padding=1), x))
    return (side(h) - side(c)) ** 2


spatial("images", "squeeze_excite", (4, 3, 5), squeeze_excite)
spatial("images", "residual_block", (3, 5, 4), residual)
spatial("images", "siamese", (2, 4, 5), siamese, c=normal(2, 4, 5))


# --- Losses: on what a dense layer gives, or on a function of it. ---


def loss(name, function, target, head=lambda net, z: z, width=4, shape=None):
    """`function(prediction, target)` gives the mean over the batch."""

    def forward(net, x, y):
        h = torch.tanh(net.dense("h", x, 6))
        z = net.dense("z", h, width, scale=2.0)
        if shape is not None:
            z = z.reshape(-1, *shape)
        p = head(net, z)
        return {"p": p}, function(p, y)

    case("losses", name, {"x": normal(5)}, {"y": target}, forward)


def log_cosh(p, y):
    d = p - y
    return (d + F.softplus(-2 * d) - math.log(2)).mean()


def hinge(p, y):
    return torch.clamp(1 - p * y, min=0).mean()


def sigmoid(net, z):
    return torch.sigmoid(z)


def log_softmax(net, z):
    return F.log_softmax(z, -1)


def counts(rng, n):
    return rng.poisson(2.0, size=(n, 4))


def long(function):
    return lambda p, y: function(p, y.long())


loss("mse", F.mse_loss, normal(4))
loss("mae", F.l1_loss, normal(4))
loss("huber", F.huber_loss, normal(4))
loss("huber_delta", lambda p, y: F.huber_loss(p, y, delta=0.3), normal(4))
loss("smooth_l1", F.smooth_l1_loss, normal(4))
loss("smooth_l1_beta", lambda p, y: F.smooth_l1_loss(p, y, beta=0.3), normal(4))
loss("log_cosh", log_cosh, normal(4, scale=3.0))
loss("binary_cross_entropy", F.binary_cross_entropy, uniform(0.0, 1.0, 4), sigmoid)
loss("binary_cross_entropy_hard", F.binary_cross_entropy, choice([0.0, 1.0], 4), sigmoid)
loss("binary_cross_entropy_class", F.binary_cross_entropy, classes(2), sigmoid, width=1, shape=())
loss("binary_cross_entropy_with_logits", F.binary_cross_entropy_with_logits, uniform(0.0, 1.0, 4))
loss("binary_cross_entropy_with_logits_class", F.binary_cross_entropy_with_logits, classes(2, 4))
loss("cross_entropy", long(F.cross_entropy), classes(4))
loss(
    "cross_entropy_smooth",
    long(lambda p, y: F.cross_entropy(p, y, label_smoothing=0.1)),
    classes(4),
)
loss(
    "cross_entropy_positions",
    long(lambda p, y: F.cross_entropy(p.transpose(1, 2), y)),
    classes(4, 3),
    width=12,
    shape=(3, 4),
)
loss("cross_entropy_axis", long(F.cross_entropy), classes(3, 4), width=12, shape=(3, 4))
loss(
    "cross_entropy_axis_smooth",
    long(lambda p, y: F.cross_entropy(p, y, label_smoothing=0.2)),
    classes(3, 4),
    width=12,
    shape=(3, 4),
)
WEIGHTS = torch.tensor([1.0, 4.0, 0.5, 0.0])
loss("cross_entropy_weighted", long(lambda p, y: F.cross_entropy(p, y, WEIGHTS)), choice([0, 1, 2]))
loss(
    "cross_entropy_weighted_smooth",
    long(lambda p, y: F.cross_entropy(p, y, WEIGHTS + 0.25, label_smoothing=0.1)),
    classes(4),
)
loss(
    "cross_entropy_weighted_axis",
    long(lambda p, y: F.cross_entropy(p, y, WEIGHTS[:3])),
    classes(3, 4),
    width=12,
    shape=(3, 4),
)
loss("cross_entropy_weighted_soft", lambda p, y: F.cross_entropy(p, y, WEIGHTS), distribution(4))
loss(
    "binary_cross_entropy_pos_weight",
    lambda p, y: F.binary_cross_entropy_with_logits(p, y, pos_weight=torch.tensor(3.0)),
    uniform(0.0, 1.0, 4),
)
loss("cross_entropy_soft", F.cross_entropy, distribution(4))
loss("cross_entropy_soft_smooth", lambda p, y: F.cross_entropy(p, y, label_smoothing=0.1), distribution(4))
loss("cross_entropy_soft_axis", F.cross_entropy, distribution(3, 4, axis=0), width=12, shape=(3, 4))
loss("hinge", hinge, choice([-1.0, 1.0], 4))
loss("hinge_class", lambda p, y: hinge(p, 2 * y - 1), classes(2, 4))
loss("kl_divergence", F.kl_div, distribution(4), log_softmax)
loss(
    "kl_divergence_log_target",
    lambda p, y: F.kl_div(p, y, log_target=True),
    lambda rng, n: np.log(distribution(4)(rng, n)),
    log_softmax,
)
loss("poisson", F.poisson_nll_loss, counts)
loss(
    "poisson_rate",
    lambda p, y: F.poisson_nll_loss(p, y, log_input=False),
    counts,
    lambda net, z: F.softplus(z),
)
loss("poisson_full", lambda p, y: F.poisson_nll_loss(p, y, full=True), counts)


def dice(p, t, axes, smooth=1e-5):
    """One minus the overlap of each region of each sample (Milletari et al. 2016, smoothed as in MONAI), averaged."""
    return (1 - (2 * (p * t).sum(axes) + smooth) / (p.sum(axes) + t.sum(axes) + smooth)).mean()


def one_hot_channels(y, count):
    return F.one_hot(y.long(), count).movedim(-1, 1).to(DTYPE)


def sigmoid_focal(z, t, gamma=2.0, alpha=0.25):
    """Lin et al. 2017, as torchvision's sigmoid_focal_loss."""
    p = torch.sigmoid(z)
    right = p * t + (1 - p) * (1 - t)
    weight = alpha * t + (1 - alpha) * (1 - t) if alpha >= 0 else 1.0
    return (weight * (1 - right) ** gamma * F.binary_cross_entropy_with_logits(z, t, reduction="none")).mean()


def softmax_focal_each(z, y, gamma=2.0):
    """Of classes along the last axis, for each position."""
    log_p = F.log_softmax(z, -1).gather(-1, y.long().unsqueeze(-1)).squeeze(-1)
    return -((1 - log_p.exp()) ** gamma) * log_p


def softmax_focal(z, y, gamma=2.0, alpha=1.0, axis=1):
    surprise = F.cross_entropy(z.movedim(axis, 1), y.long(), reduction="none")
    return (alpha * (1 - torch.exp(-surprise)) ** gamma * surprise).mean()


IMAGE = {"width": 24, "shape": (3, 2, 4)}
softmax_channels = lambda net, z: F.softmax(z, 1)
loss("cross_entropy_pixels", long(F.cross_entropy), classes(3, 2, 4), **IMAGE)
loss("cross_entropy_pixels_smooth", long(lambda p, y: F.cross_entropy(p, y, label_smoothing=0.1)), classes(3, 2, 4), **IMAGE)
loss("cross_entropy_pixels_soft", F.cross_entropy, distribution(3, 2, 4, axis=0), **IMAGE)
loss("dice", lambda p, y: dice(p, y, (1,)), choice([0.0, 1.0], 4), sigmoid)
loss("dice_pixels", lambda p, y: dice(p, one_hot_channels(y, 3), (2, 3)), classes(3, 2, 4), softmax_channels, **IMAGE)
loss("dice_regions", lambda p, y: dice(p, y, (2, 3), smooth=1.0), choice([0.0, 1.0], 3, 2, 4), sigmoid, **IMAGE)
loss("dice_mask", lambda p, y: dice(p, y, (1, 2, 3)), classes(2, 3, 2, 4), sigmoid, **IMAGE)
loss("focal", sigmoid_focal, choice([0.0, 1.0], 4))
loss("focal_options", lambda z, t: sigmoid_focal(z, t, gamma=1.5, alpha=0.6), uniform(0.0, 1.0, 4))
loss("focal_without_alpha", lambda z, t: sigmoid_focal(z, t, gamma=3.0, alpha=-1.0), classes(2, 4))
loss("focal_classes", softmax_focal, classes(4))
loss("focal_pixels", lambda z, y: softmax_focal(z, y, gamma=1.0, alpha=0.5), classes(3, 2, 4), **IMAGE)
loss("weighted", lambda p, y: 0.7 * F.mse_loss(p, y) + 0.3 * F.l1_loss(p, y), normal(4))
loss("own_formula", lambda p, y: (torch.sqrt((p - y) ** 2 + 1.0) - 1.0).mean(), normal(4))


# --- Several inputs, targets, outputs and losses. ---


def two_heads(net, image, extra, label, value):
    h = torch.relu(net.dense("h", torch.cat([image.flatten(1), extra], 1), 8))
    logits = net.dense("logits", h, 3)
    estimate = net.dense("estimate", h, 2)
    total = F.cross_entropy(logits, label.long()) + 0.5 * F.mse_loss(estimate, value)
    return {"probability": F.softmax(logits, -1), "estimate": estimate}, total


case(
    "layers",
    "two_heads",
    {"image": normal(2, 3), "extra": normal(2)},
    {"label": classes(3), "value": normal(2)},
    two_heads,
)


def shared_block(net, x, y):
    def block(path, x, n):
        return torch.tanh(net.dense(path, x, n))

    p = net.dense("p", block("b", block("a", x, 6), 4), 3)
    return {"p": p}, F.mse_loss(p, y)


case("layers", "block", {"x": normal(5)}, {"y": normal(3)}, shared_block)


# --- Whole networks, narrow, on small images. ---


def conv_bn(net, path, x, filters, kernel=3, number="", **options):
    """A convolution that keeps the size (over its stride), and a batch norm: layers of this number under a path."""
    convolution = torch.nn.Conv2d(x.shape[1], filters, kernel, padding=kernel // 2, bias=False, **options)
    x = net.module(f"{path}.conv2d{number}", convolution, x)
    return net.module(f"{path}.batch_norm{number}", torch.nn.BatchNorm2d(filters), x)


def resnet20(net, image, label):
    """He et al. 2015, section 4.2, with a quarter of the filters; shortcuts of option A have no parameters."""

    def basic(path, x, filters, stride):
        first = F.relu(conv_bn(net, f"{path}.first", x, filters, stride=stride))
        second = conv_bn(net, f"{path}.second", first, filters)
        if stride > 1:
            more = (filters - x.shape[1]) // 2
            x = F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, more, more))
        return F.relu(second + x)

    x = F.relu(conv_bn(net, "stem", image, 4))
    for stage, filters in enumerate([4, 8, 16]):
        for i in range(3):
            x = basic(f"stage{stage + 1}.{i}", x, filters, stride=2 if stage > 0 and i == 0 else 1)
    logits = net.dense("logits", x.mean((2, 3)), 5)
    return {"probability": F.softmax(logits, -1)}, F.cross_entropy(logits, label.long())


def mobilenet(net, image, label):
    """Depthwise-separable blocks (Howard et al. 2017), then inverted residuals (Sandler et al. 2018)."""

    def separable(path, x, filters, stride=1):
        channels = x.shape[1]
        x = F.relu6(conv_bn(net, path, x, channels, stride=stride, groups=channels))
        return F.relu6(conv_bn(net, path, x, filters, kernel=1, number="_1"))

    def inverted(path, x, expansion):
        channels = x.shape[1]
        wide = F.relu6(conv_bn(net, f"{path}.wide", x, expansion * channels, kernel=1))
        spatial = F.relu6(conv_bn(net, f"{path}.spatial", wide, expansion * channels, groups=expansion * channels))
        return conv_bn(net, f"{path}.narrow", spatial, channels, kernel=1) + x

    x = F.relu6(conv_bn(net, "stem", image, 8, stride=2))
    x = separable("a", x, 12)
    x = separable("b", x, 16, stride=2)
    for i in range(2):
        x = inverted(f"c.{i}", x, 3)
    x = separable("d", x, 24)
    logits = net.dense("logits", x.mean((2, 3)), 5)
    return {"probability": F.softmax(logits, -1)}, F.cross_entropy(logits, label.long())


def network(name, forward, optimizer):
    def run(name):
        fields = {"image": normal(3, 16, 16)}, {"label": classes(5)}
        case("networks", name, *fields, forward, optimizer, batches=[4, 4, 3] * 3 + [4], samples=11)

    run(name)
    # How far PyTorch itself is off in f32: what the tests' bounds are chosen by.
    global DTYPE
    tensors = FAMILIES["networks"]
    exact = {k: v for k, v in tensors.items() if k.startswith(name)}
    for key in exact:
        del tensors[key]
    DTYPE = torch.float32
    run(name)
    DTYPE = torch.float64
    errors = {}
    for key, value in exact.items():
        group = key.split("/")[1]
        error = np.abs(value - tensors[key]).max() / max(np.abs(value).max(), 1e-2)
        errors[group] = max(errors.get(group, 0), error)
    tensors |= exact
    print(f"{name}: PyTorch's own errors in f32:", ", ".join(f"{k} {v:.1e}" for k, v in errors.items() if v > 0))


network("resnet20", resnet20, lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, weight_decay=1e-3))
network("mobilenet", mobilenet, lambda p: torch.optim.Adam(p, lr=2e-3))


# --- Mixed precision: what products read is rounded to f16, forward and backward; everything else is as it is. ---

LOSS_SCALE = 1024.0


def to_half(x):
    return x.float().half().to(x.dtype)


class Rounded(torch.autograd.Function):
    """Rounds values, and lets gradients through."""

    @staticmethod
    def forward(ctx, x):
        return to_half(x)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class RoundedGradient(torch.autograd.Function):
    """Lets values through, and rounds gradients, which are scaled meanwhile."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return to_half(gradient * LOSS_SCALE) / LOSS_SCALE


class RoundedTanh(torch.autograd.Function):
    """Its gradient is computed from what is stored, which is rounded."""

    @staticmethod
    def forward(ctx, x):
        y = to_half(torch.tanh(x))
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, gradient):
        (y,) = ctx.saved_tensors
        return gradient * (1 - y * y)


def half_dense(net, path, x, n):
    weight = net.parameter(f"{path}.dense.weight", (n, x.shape[1]), 0.5)
    bias = net.parameter(f"{path}.dense.bias", (n,), 0.1)
    return RoundedGradient.apply(F.linear(x, Rounded.apply(weight)) + bias)


def half_conv(net, path, x, n, **options):
    weight = net.parameter(f"{path}.conv2d.weight", (n, x.shape[1], 3, 3), 0.3)
    bias = net.parameter(f"{path}.conv2d.bias", (n,), 0.1)
    return RoundedGradient.apply(F.conv2d(x, Rounded.apply(weight), bias, **options))


def mixed_dense(net, x, y):
    h = Rounded.apply(torch.relu(half_dense(net, "h", Rounded.apply(x), 24)))
    t = RoundedTanh.apply(half_dense(net, "t", h, 16))
    logits = half_dense(net, "logits", t, 5)
    return {"logits": logits}, F.cross_entropy(logits, y.long())


def mixed_convolutions(net, image, y):
    a = F.max_pool2d(torch.relu(half_conv(net, "a", Rounded.apply(image), 8, padding=1)), 2)
    b = Rounded.apply(torch.relu(half_conv(net, "b", Rounded.apply(a), 12, padding=1, stride=2)))
    logits = half_dense(net, "logits", b.flatten(1), 4)
    return {"logits": logits}, F.cross_entropy(logits, y.long())


def mixed_norm(net, image, y):
    a = half_conv(net, "a", Rounded.apply(image), 8, padding=1, stride=2)
    a = Rounded.apply(torch.relu(net.batch_norm("a", a)))
    b = Rounded.apply(torch.relu(net.batch_norm("b", half_dense(net, "b", a.flatten(1), 12))))
    logits = half_dense(net, "logits", b, 4)
    return {"logits": logits}, F.cross_entropy(logits, y.long())


case("mixed", "mixed_dense", {"x": normal(12)}, {"y": classes(5)}, mixed_dense)
case("mixed", "mixed_convolutions", {"image": normal(3, 16, 16)}, {"y": classes(4)}, mixed_convolutions, batches=FEW, samples=8)
case("mixed", "mixed_norm", {"image": normal(3, 8, 8)}, {"y": classes(4)}, mixed_norm, batches=[8, 6, 5] * 3 + [8], samples=19)


# --- Optimizers: a small tanh network. ---


def optimizer(name, make, **clip):
    def forward(net, x, y):
        p = net.dense("p", torch.tanh(net.dense("h", x, 6, scale=1.5)), 3)
        return {"p": p}, F.mse_loss(p, y)

    case("optimizers", name, {"x": normal(5)}, {"y": normal(3, scale=2.0)}, forward, optimizer=make, **clip)


O = torch.optim
optimizer("sgd", lambda p: O.SGD(p))
optimizer("sgd_lr", lambda p: O.SGD(p, lr=0.1))
optimizer("sgd_momentum", lambda p: O.SGD(p, lr=0.05, momentum=0.9))
optimizer("sgd_dampening", lambda p: O.SGD(p, lr=0.05, momentum=0.9, dampening=0.3))
optimizer("sgd_nesterov", lambda p: O.SGD(p, lr=0.05, momentum=0.9, nesterov=True))
optimizer("sgd_weight_decay", lambda p: O.SGD(p, lr=0.1, weight_decay=0.1))
optimizer("sgd_everything", lambda p: O.SGD(p, lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.1), clip_norm=1.0)
optimizer("sgd_clip_value", lambda p: O.SGD(p, lr=0.1), clip_value=0.1)
optimizer("sgd_clip_norm", lambda p: O.SGD(p, lr=0.1), clip_norm=0.5)
optimizer("sgd_clip_norm_idle", lambda p: O.SGD(p, lr=0.1), clip_norm=100.0)
optimizer("sgd_clip_both", lambda p: O.SGD(p, lr=0.1), clip_value=0.2, clip_norm=0.5)
optimizer("rmsprop", lambda p: O.RMSprop(p))
optimizer("rmsprop_options", lambda p: O.RMSprop(p, lr=0.02, alpha=0.9, eps=1e-6, momentum=0.5))
optimizer("rmsprop_centered", lambda p: O.RMSprop(p, lr=0.02, centered=True, weight_decay=0.05))
optimizer("adagrad", lambda p: O.Adagrad(p))
optimizer(
    "adagrad_options",
    lambda p: O.Adagrad(p, lr=0.1, lr_decay=0.1, weight_decay=0.05, initial_accumulator_value=0.2, eps=1e-6),
)
optimizer("adadelta", lambda p: O.Adadelta(p))
optimizer("adadelta_options", lambda p: O.Adadelta(p, lr=0.7, rho=0.8, eps=1e-4, weight_decay=0.05))
optimizer("adam", lambda p: O.Adam(p))
optimizer("adam_options", lambda p: O.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-5, weight_decay=0.05))
optimizer("adam_amsgrad", lambda p: O.Adam(p, lr=0.02, amsgrad=True))
optimizer("adam_clip", lambda p: O.Adam(p, lr=0.02), clip_norm=0.5)
optimizer("adamw", lambda p: O.AdamW(p))
optimizer("adamw_options", lambda p: O.AdamW(p, lr=0.02, weight_decay=0.2, betas=(0.8, 0.95)))
optimizer("adamw_amsgrad", lambda p: O.AdamW(p, lr=0.02, amsgrad=True))
optimizer("adamax", lambda p: O.Adamax(p))


def groups(rule, *own, **options):
    """A rule whose groups are pairs of (the parameters' numbers, their options); parameters are h.weight, h.bias, p.weight, p.bias."""

    def make(p):
        p = list(p)
        rest = [i for i in range(len(p)) if all(i not in numbers for numbers, _ in own)]
        parts = [{"params": [p[i] for i in numbers], **changed} for numbers, changed in [(rest, {}), *own]]
        return rule([part for part in parts if part["params"]], **options)

    return make


optimizer(
    "groups_sgd",
    groups(O.SGD, ((1, 3), {"weight_decay": 0.0}), ((2,), {"lr": 0.01}), lr=0.05, momentum=0.9, weight_decay=0.2),
)
optimizer(
    "groups_adamw",
    groups(
        O.AdamW, ((1, 3), {"weight_decay": 0.0, "lr": 0.05}), ((2,), {"weight_decay": 0.4}), lr=0.02, weight_decay=0.2
    ),
)
optimizer("groups_clip", groups(O.Adam, ((0, 1), {"lr": 0.04}), lr=0.02), clip_value=0.3, clip_norm=0.5)
optimizer("adamax_options", lambda p: O.Adamax(p, lr=0.02, betas=(0.8, 0.95), weight_decay=0.05))


# --- Regularizers, constraints and running averages. ---


def regularized(name, penalties=None, constraints=None, network=None, optimizer=lambda p: O.SGD(p, lr=0.1, momentum=0.9), **more):
    """`penalties` by parameter give a number, `constraints` by parameter give a new value."""

    def small(net, x, y):
        return net.dense("p", torch.tanh(net.dense("h", x, 6, scale=1.5)), 3), y

    def forward(net, x, y):
        p, y = (network or small)(net, x, y)
        loss = F.mse_loss(p, y)
        return {"p": p}, loss + sum(f(net.parameters[k]) for k, f in (penalties or {}).items())

    def constrain(parameters):
        for k, f in (constraints or {}).items():
            parameters[k].copy_(f(parameters[k]))

    fields = more.pop("fields", ({"x": normal(5)}, {"y": normal(3, scale=2.0)}))
    case("regularizers", name, *fields, forward, optimizer=optimizer, constrain=constrain, **more)


def l1(factor):
    return lambda w: factor * w.abs().sum()


def l2(factor):
    return lambda w: factor * w.square().sum()


def norms(w, axes):
    return w.square().sum(axes, keepdim=True).sqrt()


def max_norm(bound, axes):
    """Keras's formula."""
    return lambda w: w * (norms(w, axes).clip(0, bound) / (1e-7 + norms(w, axes)))


def unit_norm(axes):
    return lambda w: w / (1e-7 + norms(w, axes))


def non_negative(w):
    return w * (w >= 0)


regularized("l2_of_weights", {"h.dense.weight": l2(0.02), "p.dense.weight": l2(0.05)})
regularized("l1_of_weights", {"h.dense.weight": l1(0.01)}, optimizer=lambda p: O.Adam(p, lr=0.02))
regularized(
    "both_and_bias",
    {"p.dense.weight": lambda w: l1(0.01)(w) + l2(0.03)(w), "p.dense.bias": l2(0.1), "h.dense.bias": l1(0.02)},
    clip_norm=0.5,
)
regularized("max_norm_of_rows", constraints={"h.dense.weight": max_norm(0.8, (1,)), "h.dense.bias": max_norm(0.3, (0,))})
regularized(
    "unit_norm_of_rows",
    constraints={"h.dense.weight": unit_norm((1,)), "p.dense.weight": max_norm(1.0, (1,))},
    optimizer=lambda p: O.Adam(p, lr=0.02),
    clip_norm=0.5,
)
regularized("non_negative_weights", constraints={"p.dense.weight": non_negative, "p.dense.bias": non_negative})


def convolutions(net, x, y):
    a = torch.tanh(net.conv("a", x, 4, 3))
    b = torch.tanh(net.conv_transpose("b", a, 6, 3, groups=2))
    return net.dense("p", b.flatten(1), 3), y


regularized(
    "max_norm_of_filters",
    {"b.conv_transpose2d.weight": l2(0.01)},
    {
        "a.conv2d.weight": max_norm(0.6, (1, 2, 3)),
        "b.conv_transpose2d.weight": lambda w: max_norm(0.5, (1, 3, 4))(w.reshape(2, 2, 3, 3, 3)).reshape(w.shape),
    },
    convolutions,
    optimizer=lambda p: O.Adam(p, lr=0.02),
    fields=({"x": normal(2, 5, 5)}, {"y": normal(3)}),
)
regularized("average_sgd", optimizer=lambda p: O.SGD(p, lr=0.1), ema=0.9)
regularized(
    "average_adam",
    optimizer=groups(O.Adam, ((1, 3), {"lr": 0.05}), lr=0.02, weight_decay=0.1),
    ema=0.7,
    clip_norm=0.5,
)
regularized(
    "average_of_constrained",
    constraints={"h.dense.weight": max_norm(0.8, (1,)), "p.dense.weight": non_negative},
    optimizer=lambda p: O.RMSprop(p, lr=0.02),
    ema=0.8,
)

# --- What counts: weights of samples, masks, classes that are none. ---


def counting(name, function, targets, width=4, shape=None):
    """`function(prediction, **targets)` gives the mean over the batch."""

    def forward(net, x, **fields):
        h = torch.tanh(net.dense("h", x, 6))
        z = net.dense("z", h, width, scale=2.0)
        p = z if shape is None else z.reshape(-1, *shape)
        return {"p": p}, function(p, **fields)

    case("weights", name, {"x": normal(5)}, targets, forward)


def weighted_mean(values, weights):
    weights = weights.expand_as(values)
    return (values * weights).sum() / weights.sum()


def classes_ce(p, y, **options):
    """Of classes along the last axis."""
    return F.cross_entropy(p.movedim(-1, 1), y.long(), **options)


ROWS = {"width": 12, "shape": (3, 4)}
WEIGHT, MASK = uniform(0.0, 2.0), uniform(0.1, 1.0, 3)
counting("sample_weight", lambda p, y, sample_weight: (sample_weight * classes_ce(p, y, reduction="none")).mean(), {"y": classes(4), "sample_weight": WEIGHT})
counting(
    "sample_weight_of_two",
    lambda p, y, t, sample_weight: (sample_weight * (classes_ce(p, y, reduction="none") + 0.5 * ((p - t) ** 2).mean(-1))).mean(),
    {"y": classes(4), "t": normal(4), "sample_weight": WEIGHT},
)
counting("mask_of_samples", lambda p, y, sample_weight: weighted_mean(classes_ce(p, y, reduction="none"), sample_weight), {"y": classes(4), "sample_weight": WEIGHT})
counting("ignored", lambda p, y: classes_ce(p, y, ignore_index=0), {"y": choice([0, 1, 2, 3, 1, 2], 3)}, **ROWS)
counting(
    "ignored_weighted",
    lambda p, y: classes_ce(p, y, weight=WEIGHTS + 0.5, ignore_index=2, label_smoothing=0.1),
    {"y": choice([0, 1, 2, 3, 1, 2], 3)},
    **ROWS,
)
# Classes are channels; the fourth class of the label is none, and has no logit.
counting("ignored_last", lambda p, y: F.cross_entropy(p, y.long(), ignore_index=3), {"y": choice([0, 1, 2, 3], 4)}, **ROWS)
counting(
    "ignored_and_masked",
    lambda p, y, m: weighted_mean(classes_ce(p, y, reduction="none"), m * (y != 0)),
    {"y": choice([0, 1, 2, 3, 1, 2], 3), "m": MASK},
    **ROWS,
)
counting("focal_ignored", lambda p, y: weighted_mean(softmax_focal_each(p, y), 1.0 * (y != 1)), {"y": choice([0, 1, 2, 3], 3)}, **ROWS)
NUMBERS = {"y": normal(3, 4), "m": MASK}
for name, function in {
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "huber": F.huber_loss,
    "smooth_l1": lambda p, y, **o: F.smooth_l1_loss(p, y, beta=0.5, **o),
    "log_cosh": lambda p, y, reduction: torch.log(torch.cosh(p - y)),
    "hinge": lambda p, y, reduction: torch.clamp(1 - p * y, min=0),
    "poisson": F.poisson_nll_loss,
    "with_logits": lambda p, y, **o: F.binary_cross_entropy_with_logits(p, torch.sigmoid(y), **o),
    "binary": lambda p, y, **o: F.binary_cross_entropy(torch.sigmoid(p), torch.sigmoid(y), **o),
    "kl_divergence": lambda p, y, **o: F.kl_div(F.log_softmax(p, -1), F.softmax(y, -1), **o),
}.items():
    # A mask of the first axis is for all numbers along the second.
    masked = lambda p, y, m, f=function: weighted_mean(f(p, y, reduction="none"), m.unsqueeze(-1))
    counting(f"masked_{name}", masked, NUMBERS, **ROWS)
counting("masked_elements", lambda p, y, m: weighted_mean((p - y) ** 2, m), {"y": normal(3, 4), "m": choice([0, 1, 1], 3, 4)}, **ROWS)


def masked_dice(p, t, m, axes, smooth=1e-5):
    """One minus the overlap of what counts."""
    over, under = 2 * (m * p * t).sum(axes), (m * p).sum(axes) + (m * t).sum(axes)
    return (1 - (over + smooth) / (under + smooth)).mean()


counting("masked_dice", lambda p, y, m: masked_dice(torch.sigmoid(p), y, m.unsqueeze(-1), (1, 2)), {"y": choice([0.0, 1.0], 3, 4), "m": MASK}, **ROWS)
counting(
    "ignored_dice",
    lambda p, y: masked_dice(F.softmax(p, -1), F.one_hot(y.long(), 4), 1.0 * (y != 1).unsqueeze(-1), 1, 0.5),
    {"y": choice([0, 1, 2, 3], 3)},
    **ROWS,
)
counting("masked_cosine", lambda p, y, m: weighted_mean(F.cosine_similarity(p, y, dim=-1), m), NUMBERS, **ROWS)

# --- Metrics, against scikit-learn: on what one dense layer gives. ---


def metric(name, target, measure, width=4, samples=513, mask=None, family="metrics"):
    """`measure(target, prediction)` gives metrics by name, over all samples; or `measure(target, prediction, mask)`."""
    rng = np.random.default_rng(zlib.crc32(f"{family}/{name}".encode()))
    net = Net(rng)
    x, y = np.float32(rng.normal(size=(samples, 5))), np.float32(target(rng, samples))
    p = net.dense("p", torch.tensor(x, dtype=DTYPE), width, scale=2.0).detach().numpy()
    if callable(getattr(target, "given", None)):
        y = np.float32(target.given(p, rng))
    tensors = FAMILIES.setdefault(family, {})
    tensors |= {f"{name}/data/x": x, f"{name}/data/y": y}
    if mask is not None:
        m = np.float32(mask(rng, samples))
        tensors[f"{name}/data/m"] = m
        measure = lambda y, p, measure=measure: measure(y, p, np.float64(m))
    for k, v in net.parameters.items():
        tensors[f"{name}/before/{k}"] = v.detach().numpy().astype(np.float32)
    for k, v in measure(y, p).items():
        tensors[f"{name}/metric/{k}"] = np.float32(np.ravel(v))


def near_prediction(scale, constant_column=None):
    """A regression target that the prediction explains in part."""

    def draw(rng, n):
        return np.zeros((n, 4))

    def given(p, rng):
        y = 0.8 * p + rng.normal(size=p.shape) * scale + 3.0
        if constant_column is not None:
            y[:, constant_column] = 1.5
        return y

    draw.given = given
    return draw


def regression(y, p):
    return {
        "mse": sklearn.metrics.mean_squared_error(y, p),
        "mae": sklearn.metrics.mean_absolute_error(y, p),
        "r2": sklearn.metrics.r2_score(y, p),
    }


def one_hot(count):
    return lambda rng, n: np.eye(count)[rng.integers(0, count, size=n)]


metric("regression", near_prediction(0.5), regression)
metric("regression_constant_column", near_prediction(0.5, constant_column=2), regression)
metric("accuracy", classes(4), lambda y, p: {"accuracy": sklearn.metrics.accuracy_score(y, p.argmax(-1))})
metric("accuracy_one_hot", one_hot(4), lambda y, p: {"accuracy": sklearn.metrics.accuracy_score(y.argmax(-1), p.argmax(-1))})
metric(
    "accuracy_binary",
    choice([0.0, 1.0], 1),
    lambda y, p: {"accuracy": sklearn.metrics.accuracy_score(y[:, 0] > 0.5, p[:, 0] > 0.5)},
    width=1,
)


def jaccard(y, p):
    return {"iou": sklearn.metrics.jaccard_score(y.ravel(), p.ravel(), average="macro")}


metric("iou_classes", classes(4), lambda y, p: jaccard(y, p.argmax(-1)))
metric("iou_absent_class", choice([0, 2]), lambda y, p: jaccard(y, np.where(p.argmax(-1) == 3, 1, p.argmax(-1))), width=3)
metric(
    "iou_pixels",
    classes(3, 4),
    lambda y, p: jaccard(y, p.reshape(-1, 3, 4).argmax(1)) | {"accuracy": (y == p.reshape(-1, 3, 4).argmax(1)).mean()},
    width=12,
)
metric(
    "iou_mask",
    choice([0.0, 1.0], 4),
    lambda y, p: {"iou": sklearn.metrics.jaccard_score(y.ravel() > 0.5, p.ravel() > 0.5)},
)
metric(
    "iou_mask_logits",
    classes(2, 4),
    lambda y, p: {"iou": sklearn.metrics.jaccard_score(y.ravel(), p.ravel() > 0.0)},
)


def rates(y, p, **options):
    """Precision and its relatives, of decisions; what is undefined is 0."""
    options = {"zero_division": 0.0} | options
    m = sklearn.metrics.multilabel_confusion_matrix(y, p, labels=options.get("labels"), sample_weight=options.get("sample_weight"))
    average, pick = options.get("average"), slice(None)
    if average == "binary":
        m, pick = m[1:2], 0
    elif average == "micro":
        m, pick = m.sum(0, keepdims=True), 0
    tn, fp, fn, tp = m[:, 0, 0], m[:, 0, 1], m[:, 1, 0], m[:, 1, 1]
    negatives = np.maximum(tn + fp, 1)
    specificity, false_positive_rate = tn / negatives, fp / negatives
    if average in ("macro", "weighted"):
        weights = None if average == "macro" else tp + fn
        specificity, false_positive_rate = (np.average(v, weights=weights) for v in (specificity, false_positive_rate))
    else:
        specificity, false_positive_rate = specificity[pick], false_positive_rate[pick]
    return {
        "precision": sklearn.metrics.precision_score(y, p, **options),
        "recall": sklearn.metrics.recall_score(y, p, **options),
        "f1": sklearn.metrics.f1_score(y, p, **options),
        "f_half": sklearn.metrics.fbeta_score(y, p, beta=0.5, **options),
        "specificity": specificity,
        "false_positive_rate": false_positive_rate,
    }


def curves(y, score):
    roc = np.concatenate(sklearn.metrics.roc_curve(y, score))
    pr = np.concatenate(sklearn.metrics.precision_recall_curve(y, score))
    return {"roc_curve": roc, "pr_curve": pr}


def areas(y, score, **options):
    """Of indicators."""
    return {
        "auc": sklearn.metrics.roc_auc_score(y, score, **options),
        "average_precision": sklearn.metrics.average_precision_score(y, score, **options),
    }


def softmax(p):
    e = np.exp(p - p.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def rates_of_classes(average, labels=range(4)):
    return lambda y, p: rates(y, p.argmax(-1), average=average, labels=list(labels))


def binary(y, p):
    decided = p[:, 0] > 0.25
    matrix = sklearn.metrics.confusion_matrix(y, decided)
    return rates(y, decided, average="binary") | {"confusion_matrix": matrix} | curves(y, p[:, 0]) | areas(y, p[:, 0])


def macro_of_two(y, p):
    return rates(y, p[:, 0] > 0.5, average="macro") | {"weighted": sklearn.metrics.recall_score(y, p[:, 0] > 0.5, average="weighted")}


def two_logits(y, p):
    score = softmax(p)[:, 1]
    return rates(y, p.argmax(-1), average="binary") | {"auc": sklearn.metrics.roc_auc_score(y, score)}


def against_rest(y, p):
    score = softmax(p)
    hot = np.eye(4)[y.astype(int)]
    found = [curves(hot[:, i], score[:, i]) for i in range(4)]
    result = {k: np.concatenate([f[k] for f in found]) for k in found[0]}
    for average in ("macro", "micro", "weighted", None):
        result |= {f"{k}_{average or 'none'}": v for k, v in areas(hot, score, average=average).items()}
    return result


def several_labels(y, p):
    decided = p > 0.1
    found = rates(y, decided, average="macro") | areas(y, p, average="macro")
    return found | {"micro": sklearn.metrics.f1_score(y, decided, average="micro"), "none": sklearn.metrics.f1_score(y, decided, average=None)}


def pixels(y, p):
    decided = p.reshape(-1, 3, 4).argmax(1)
    matrix = sklearn.metrics.confusion_matrix(y.ravel(), decided.ravel())
    return rates(y.ravel(), decided.ravel(), average="macro") | {"confusion_matrix": matrix}


def top_k(y, p):
    of = lambda k: sklearn.metrics.top_k_accuracy_score(y, p, k=k, labels=range(7))
    return {"top_k_accuracy": of(5), "one": of(1), "three": of(3)}


def more_regression(y, p):
    cosines = np.diag(sklearn.metrics.pairwise.cosine_similarity(y, p))
    return {
        "rmse": sklearn.metrics.root_mean_squared_error(y, p),
        "mape": sklearn.metrics.mean_absolute_percentage_error(y, p),
        "cosine_similarity": cosines.mean(),
    }


for average in ("macro", "micro", "weighted"):
    metric(f"rates_{average}", classes(4), rates_of_classes(average))
metric("rates_per_class", classes(4), rates_of_classes(None))
# Nobody is of class 1, and class 3 is decided for rarely: rates without a case are 0.
metric("rates_absent_class", choice([0, 2, 3]), rates_of_classes("macro"))
metric("rates_one_hot", one_hot(4), lambda y, p: rates(y.argmax(-1), p.argmax(-1), average="macro"))
metric("binary", classes(2), binary, width=1)
metric("binary_macro", classes(2), macro_of_two, width=1)
metric("two_logits", classes(2), two_logits, width=2)
metric("against_rest", classes(4), against_rest)
metric("several_labels", choice([0.0, 1.0, 1.0], 4), several_labels)
metric("confusion", classes(4), lambda y, p: {"confusion_matrix": sklearn.metrics.confusion_matrix(y, p.argmax(-1))})
metric("pixels", classes(3, 4), pixels, width=12)
metric("top_k", classes(7), top_k, width=7)
metric("more_regression", near_prediction(0.5), more_regression)
metric(
    "perplexity",
    classes(4),
    lambda y, p: {"perplexity": np.exp(sklearn.metrics.log_loss(y, softmax(p), labels=range(4)))},
)

# --- Metrics of what counts. ---


def sequences(p):
    return p.reshape(-1, 3, 4)


def ignored(y, p):
    """Of classes along the last axis of a sequence; 0 is none."""
    kept = y.ravel() != 0
    score = softmax(sequences(p)).reshape(-1, 4)[kept]
    y, decided = y.ravel()[kept], score.argmax(-1)
    hot = np.eye(4)[y.astype(int)]
    found = rates(y, decided, average="macro", labels=range(4))
    return found | {
        "accuracy": sklearn.metrics.accuracy_score(y, decided),
        "top2": sklearn.metrics.top_k_accuracy_score(y, score, k=2, labels=range(4)),
        "cross_entropy": sklearn.metrics.log_loss(y, score, labels=range(4)),
        "perplexity": np.exp(sklearn.metrics.log_loss(y, score, labels=range(4))),
        "confusion_matrix": sklearn.metrics.confusion_matrix(y, decided, labels=range(4)),
        "iou": sklearn.metrics.jaccard_score(y, decided, average="macro", labels=range(4)),
        # Class 0 is never true, and so has no area.
        "auc": np.mean([sklearn.metrics.roc_auc_score(hot[:, i], score[:, i]) for i in (1, 2, 3)]),
    }


def ignored_samples(y, p):
    """Of one class for each sample; the last one is none, and has no number."""
    kept = y != 4
    y, decided = y[kept], p[kept].argmax(-1)
    return {
        "accuracy": sklearn.metrics.accuracy_score(y, decided),
        "confusion_matrix": sklearn.metrics.confusion_matrix(y, decided, labels=range(4)),
        "f1": sklearn.metrics.f1_score(y, decided, average="micro"),
    }


def masked(y, p, m):
    score, weights = softmax(sequences(p)).reshape(-1, 4), {"sample_weight": m.ravel()}
    y, decided = y.ravel(), score.argmax(-1)
    return rates(y, decided, average="weighted", **weights) | {
        "accuracy": sklearn.metrics.accuracy_score(y, decided, **weights),
        "cross_entropy": sklearn.metrics.log_loss(y, score, labels=range(4), **weights),
        "perplexity": np.exp(sklearn.metrics.log_loss(y, score, labels=range(4), **weights)),
        "iou": sklearn.metrics.jaccard_score(y, decided, average="macro", labels=range(4), **weights),
    }


def masked_regression(y, p, m):
    return {
        "mse": sklearn.metrics.mean_squared_error(y, p, sample_weight=m),
        "mae": sklearn.metrics.mean_absolute_error(y, p, sample_weight=m),
        "rmse": sklearn.metrics.root_mean_squared_error(y, p, sample_weight=m),
        "mape": sklearn.metrics.mean_absolute_percentage_error(y, p, sample_weight=m),
        "r2": sklearn.metrics.r2_score(y, p, sample_weight=m),
    }


def masked_binary(y, p, m):
    y, p, kept = y[:, 0], p[:, 0], m[:, 0] > 0
    decided = p > 0.25
    found = curves(y[kept], p[kept]) | areas(y[kept], p[kept])
    found["confusion_matrix"] = sklearn.metrics.confusion_matrix(y[kept], decided[kept])
    return found | rates(y, decided, average="binary", sample_weight=m[:, 0])


metric("ignored", choice([0, 0, 1, 2, 3], 3), ignored, width=12, family="counting")
metric("ignored_samples", classes(5), ignored_samples, family="counting")
metric("masked", classes(4, 3), masked, width=12, mask=uniform(0.0, 1.0, 3), family="counting")
metric("masked_regression", near_prediction(0.5), masked_regression, mask=uniform(0.0, 2.0), family="counting")
metric("masked_binary", classes(2, 1), masked_binary, width=1, mask=choice([0.0, 1.0, 1.0], 1), family="counting")


def learning_rate(name, make, count=45, rate=0.1):
    """The rates of the first epochs, where a scheduler's `step` ends each."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    scheduler, rates = make(optimizer), []
    for _ in range(count):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    FAMILIES.setdefault("learning_rates", {})[f"{name}/rates"] = np.float32(rates)


learning_rate("step", lambda o: schedulers.StepLR(o, 7, 0.5))
learning_rate("multi_step", lambda o: schedulers.MultiStepLR(o, [5, 11, 12, 30], 0.3))
learning_rate("exponential", lambda o: schedulers.ExponentialLR(o, 0.9))
learning_rate("linear", lambda o: schedulers.LinearLR(o, 0.25, 1.0, 10))
learning_rate("polynomial", lambda o: schedulers.PolynomialLR(o, 20, 2.0))
learning_rate("cosine", lambda o: schedulers.CosineAnnealingLR(o, 44, 0.001))
learning_rate("restarts", lambda o: schedulers.CosineAnnealingWarmRestarts(o, 6, 2, 0.002))
learning_rate("equal_restarts", lambda o: schedulers.CosineAnnealingWarmRestarts(o, 8))
learning_rate("one_cycle", lambda o: schedulers.OneCycleLR(o, 0.1, 46))
learning_rate("short_cycle", lambda o: schedulers.OneCycleLR(o, 0.1, 7), count=7)
learning_rate(
    "warm_up",
    lambda o: schedulers.SequentialLR(
        o, [schedulers.LinearLR(o, 1 / 5, 1.0, 4), schedulers.CosineAnnealingLR(o, 40)], [5]
    ),
)
learning_rate(
    "then",
    lambda o: schedulers.SequentialLR(
        o, [schedulers.ExponentialLR(o, 0.9), schedulers.StepLR(o, 4, 0.1)], [9]
    ),
)


def plateau(name, count=60, rate=0.1, length=9, **options):
    """The rates of epochs whose reports have these values, with `ReduceLROnPlateau`."""
    rng = np.random.default_rng(zlib.crc32(f"plateau {name}".encode()))
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    scheduler, values, rates = schedulers.ReduceLROnPlateau(optimizer, **options), [], []
    sign = -1.0 if options.get("mode") == "max" else 1.0
    for epoch in range(count):
        # Falls in steps, with noise and long plateaus.
        values.append(np.float32(sign * (1.0 / (1 + epoch // length) + 0.02 * rng.normal()) + (2.0 if sign < 0 else 0.0)))
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(float(values[-1]))
    FAMILIES.setdefault("plateaus", {}).update(
        {f"{name}/values": np.float32(values), f"{name}/rates": np.float32(rates)}
    )


plateau("defaults", count=100, length=40)
plateau("impatient", factor=0.5, patience=0)
plateau("patient", factor=0.3, patience=3)
plateau("cooling", factor=0.5, patience=1, cooldown=4)
plateau("absolute", factor=0.5, patience=1, threshold=0.05, threshold_mode="abs")
plateau("relative", factor=0.5, patience=1, threshold=0.1)
plateau("floor", factor=0.1, patience=0, min_lr=0.003)
plateau("maximum", factor=0.5, patience=2, mode="max")
plateau("maximum_absolute", factor=0.5, patience=2, mode="max", threshold=0.04, threshold_mode="abs")

# --- Sequences: recurrent layers, and loops with a body of their own. ---


def recurrent(net, path, kind, x, hidden, *initial, length=None, **options):
    """One of PyTorch's recurrent layers, of packed sequences where there is a length: its results and its final states, laid out as ours."""
    module = getattr(torch.nn, kind)(x.shape[2], hidden, batch_first=True, **options).to(DTYPE)
    scale = 1 / math.sqrt(hidden)
    tensors = {
        n: net.parameter(f"{path}.{n}", tuple(p.shape), scale if p.dim() > 1 else 0.3)
        for n, p in module.named_parameters()
    }
    rows = [h.unsqueeze(0) if h.dim() == 2 else h.transpose(0, 1).contiguous() for h in initial]
    begin = (tuple(rows) if kind == "LSTM" else rows[0]) if rows else None
    steps = x.shape[1]
    if length is not None:
        x = torch.nn.utils.rnn.pack_padded_sequence(x, length.long(), batch_first=True, enforce_sorted=False)
    out, final = torch.func.functional_call(module, tensors, (x, begin))
    if length is not None:
        out, _ = torch.nn.utils.rnn.pad_packed_sequence(out, batch_first=True, total_length=steps)
    final = final if kind == "LSTM" else (final,)
    return out, *(h[0] if h.shape[0] == 1 else h.transpose(0, 1) for h in final)


def sequence(name, shape, function, inputs=None, optimizer=default_optimizer):
    """`function(net, s, **inputs)` gives tensors, which all go into a dense layer; the first of them is an output."""

    def forward(net, x, y, **more):
        parts = function(net, torch.tanh(x), **more)
        p = net.dense("p", torch.cat([a.flatten(1) for a in parts], 1), 2)
        return {"a": parts[0], "p": p}, F.mse_loss(p, y)

    fields = {"x": normal(*shape), **(inputs or {})}
    case("sequences", name, fields, {"y": normal(2)}, forward, batches=FEW, samples=8, optimizer=optimizer)


def cell(name, shape, kind, hidden, initial=None, lengths=False, **options):
    """A layer, with all that it gives and, if there are any, all that it begins with; of sequences of one length, or of several."""
    layer = {"RNN": "rnn", "LSTM": "lstm", "GRU": "gru"}[kind]
    fields = {} if initial is None else {k: normal(*initial) for k in (["h0", "c0"] if kind == "LSTM" else ["h0"])}
    fields |= {"n": classes(shape[0] + 1, low=1)} if lengths else {}
    sequence(
        name,
        shape,
        lambda net, s, n=None, **more: recurrent(net, f"a.{layer}", kind, s, hidden, *more.values(), length=n, **options),
        fields,
    )


cell("rnn", (6, 4), "RNN", 5)
cell("rnn_relu", (6, 4), "RNN", 5, nonlinearity="relu")
cell("rnn_without_bias", (5, 3), "RNN", 4, bias=False)
cell("rnn_layers", (5, 3), "RNN", 4, num_layers=3)
cell("rnn_bidirectional", (6, 4), "RNN", 3, bidirectional=True)
cell("rnn_initial", (6, 4), "RNN", 5, initial=(5,))
cell("rnn_deep_bidirectional", (4, 3), "RNN", 3, initial=(4, 3), num_layers=2, bidirectional=True)
cell("lstm", (6, 4), "LSTM", 5)
cell("lstm_without_bias", (5, 3), "LSTM", 4, bias=False)
cell("lstm_layers", (5, 3), "LSTM", 4, num_layers=3)
cell("lstm_bidirectional", (6, 4), "LSTM", 3, bidirectional=True)
cell("lstm_initial", (6, 4), "LSTM", 5, initial=(5,))
cell("lstm_deep_bidirectional", (4, 3), "LSTM", 3, initial=(4, 3), num_layers=2, bidirectional=True)
cell("lstm_one_step", (1, 4), "LSTM", 5)
cell("lstm_long", (40, 2), "LSTM", 8)
cell("gru", (6, 4), "GRU", 5)
cell("gru_without_bias", (5, 3), "GRU", 4, bias=False)
cell("gru_layers", (5, 3), "GRU", 4, num_layers=3)
cell("gru_bidirectional", (6, 4), "GRU", 3, bidirectional=True)
cell("gru_initial", (6, 4), "GRU", 5, initial=(5,))
cell("gru_deep_bidirectional", (4, 3), "GRU", 3, initial=(4, 3), num_layers=2, bidirectional=True)
cell("rnn_lengths", (6, 4), "RNN", 5, lengths=True)
cell("lstm_lengths", (6, 4), "LSTM", 5, lengths=True)
cell("gru_lengths", (6, 4), "GRU", 5, lengths=True)
cell("rnn_lengths_bidirectional", (6, 4), "RNN", 3, lengths=True, bidirectional=True)
cell("lstm_lengths_layers", (5, 3), "LSTM", 4, lengths=True, num_layers=3)
cell("lstm_lengths_deep_bidirectional", (4, 3), "LSTM", 3, initial=(4, 3), lengths=True, num_layers=2, bidirectional=True)
cell("gru_lengths_deep_bidirectional", (4, 3), "GRU", 3, initial=(4, 3), lengths=True, num_layers=2, bidirectional=True)


def streams(name, function):
    """Truncated backpropagation through time: `function(net, s, *states)` gives results and states, which go on from batch to batch."""
    length, together, count, reset = 5, 4, 12, 8
    rng = np.random.default_rng(zlib.crc32(f"stateful/{name}".encode()))
    tensors = FAMILIES.setdefault("stateful", {})

    def put(key, value):
        value = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        tensors[f"{name}/{key}"] = value.astype(np.float32)

    data = {k: np.float32(rng.normal(size=(together * count, length, n))) for k, n in (("x", 3), ("y", 2))}
    net = Net(rng)

    def forward(number, states):
        rows = slice(together * number, together * (number + 1))
        x, y = (torch.tensor(data[k][rows], dtype=DTYPE) for k in "xy")
        out, *states = function(net, torch.tanh(x), *states)
        p = net.linear("p", out, 2)
        return p, F.mse_loss(p, y), [s.detach() for s in states]

    states = []
    for number in range(3):
        p, _, states = forward(number, states)
        put(f"output/{number}", p)
    for k, v in data.items():
        put(f"data/{k}", v)
    for k, v in net.parameters.items():
        put(f"before/{k}", v)
    forward(3, states)[1].backward()
    for k, v in net.parameters.items():
        put(f"gradient/{k}", v.grad)
    rule, losses, states = torch.optim.Adam(net.parameters.values(), lr=0.01), [], []
    for number in range(count):
        rule.zero_grad()
        _, loss, states = forward(number, [] if number == reset else states)
        loss.backward()
        rule.step()
        losses.append(loss.item())
    put("losses", losses)
    for k, v in net.parameters.items():
        put(f"after/{k}", v)
    for number, state in enumerate(states):
        put(f"kept/{number}", state)


def own_cell(net, s, h=None):
    h, all = torch.zeros(s.shape[0], 5, dtype=DTYPE) if h is None else h, []
    for x_t in s.unbind(1):
        h = torch.tanh(net.linear("a.h", torch.cat([x_t, h], 1), 5))
        all.append(h)
    return torch.stack(all, 1), h


streams("stateful_rnn", lambda net, s, *states: recurrent(net, "a.rnn", "RNN", s, 5, *states))
streams("stateful_lstm", lambda net, s, *states: recurrent(net, "a.lstm", "LSTM", s, 5, *states, num_layers=2))
streams("stateful_gru", lambda net, s, *states: recurrent(net, "a.gru", "GRU", s, 5, *states))
streams("stateful_scan", own_cell)

adam = lambda parameters: torch.optim.Adam(parameters, lr=0.01)
sequence("lstm_last", (6, 4), lambda net, s: [recurrent(net, "a.lstm", "LSTM", s, 8)[0][:, -1]], optimizer=adam)
sequence("gru_final_state", (6, 4), lambda net, s: [recurrent(net, "all.gru", "GRU", s, 4)[1]], optimizer=adam)


def stacked_kinds(net, s):
    b = recurrent(net, "b.lstm", "LSTM", s, 5, bidirectional=True)[0]
    return [recurrent(net, "a.gru", "GRU", torch.tanh(b), 4)[0]]


def encoder_decoder(net, s, z):
    _, h, c = recurrent(net, "encoded.lstm", "LSTM", s, 5)
    return recurrent(net, "a.lstm", "LSTM", z, 5, h, c)[:1]


sequence("stacked_kinds", (5, 3), stacked_kinds)
sequence("encoder_decoder", (5, 3), encoder_decoder, {"z": normal(4, 2)})


def scan(s, step, *states, reverse=False):
    """`step(s_t, *states)` gives the value of a step and the new states."""
    values = []
    for x in reversed(s.unbind(1)) if reverse else s.unbind(1):
        value, *states = step(x, *states)
        values.append(value)
    return torch.stack(values[::-1] if reverse else values, 1), *states


def zeros(s, n):
    return torch.zeros(len(s), n, dtype=DTYPE)


def scan_lstm(net, s):
    def step(x, h, c):
        i, f, g, o = net.linear("a.gates", torch.cat([x, h], 1), 20).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, h, c

    return scan(s, step, zeros(s, 5), zeros(s, 5))


def scan_peephole(net, s):
    """Gers and Schmidhuber: gates see the cell, each its own number of it; the output gate sees the new value."""

    def step(x, h, c):
        both = torch.cat([x, h], 1)
        peep = lambda name, c: c * net.parameter(f"a.{name}.conv1d.weight", (4, 1, 1), 0.5).flatten()
        i = torch.sigmoid(net.linear("a.i", both, 4) + peep("i", c))
        f = torch.sigmoid(net.linear("a.f", both, 4) + peep("f", c))
        c = f * c + i * torch.tanh(net.linear("a.c", both, 4))
        o = torch.sigmoid(net.linear("a.o", both, 4) + peep("o", c))
        h = o * torch.tanh(c)
        return h, h, c

    return scan(s, step, zeros(s, 4), zeros(s, 4))


def scan_layer_norm(net, s):
    """Ba, Kiros and Hinton: both products and the cell are normalized."""

    def norm(path, x):
        return net.module(f"{path}.layer_norm", torch.nn.LayerNorm(x.shape[-1]), x)

    def step(x, h, c):
        seen = norm("a.seen", net.linear("a.seen", x, 16, bias=False))
        kept = norm("a.kept", net.linear("a.kept", h, 16, bias=False))
        i, f, g, o = (seen + kept).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(norm("a.h", c))
        return h, h, c

    return scan(s, step, zeros(s, 4), zeros(s, 4))


def scan_reverse(net, s, h0):
    def step(x, h):
        h = torch.tanh(net.linear("a.h", torch.cat([x, h], 1), 5))
        return h, h

    return scan(s, step, h0, reverse=True)


def scan_two_sequences(net, s, z, w):
    """Two sequences, a tensor that each step reads as a whole (additive attention over it), and a state that is a number."""

    def step(xz, h, n):
        x, z = xz
        score = torch.softmax(torch.einsum("bkf,bf->bk", w, h), -1)
        seen = torch.einsum("bk,bkf->bf", score, w)
        h = torch.tanh(net.linear("a.h", torch.cat([x, z, seen], 1), 3))
        n = n * 0.5 + h.mean(1)
        return torch.cat([h, n.unsqueeze(1)], 1), h, n

    pairs = [(x, z) for x, z in zip(s.unbind(1), z.unbind(1))]
    h, n, values = zeros(s, 3), torch.zeros(len(s), dtype=DTYPE), []
    for pair in pairs:
        value, h, n = step(pair, h, n)
        values.append(value)
    return torch.stack(values, 1), h, n.unsqueeze(1)


def scan_old_and_new(net, s):
    """What stands before a state's new value reads the old one, what stands behind it the new one."""

    def step(x, a, b):
        before = a * b
        new = torch.tanh(net.linear("a.a", x, 3) + b)
        b = new * 0.5 + before
        return before + new * b, new, b

    return scan(s, step, zeros(s, 3) + 1, zeros(s, 3))


def scan_without_states(net, s):
    return scan(s, lambda x: [torch.tanh(net.linear("a", x, 3)) * x.mean(1, keepdim=True)])


def scan_bidirectional(net, s):
    def step(path):
        def step(x, h):
            h = torch.tanh(net.linear(f"{path}.all.h", torch.cat([x, h], 1), 3))
            return h, h

        return step

    there, back = scan(s, step("there"), zeros(s, 3)), scan(s, step("back"), zeros(s, 3), reverse=True)
    return torch.cat([there[0], back[0]], 2), there[1] * back[1]


sequence("scan_lstm", (6, 4), scan_lstm)
sequence("scan_peephole", (5, 3), scan_peephole)
sequence("scan_layer_norm", (5, 3), scan_layer_norm)
sequence("scan_reverse", (5, 3), scan_reverse, {"h0": normal(5)})
sequence("scan_two_sequences", (4, 3), scan_two_sequences, {"z": normal(4, 2), "w": normal(6, 3)})
sequence("scan_old_and_new", (5, 3), scan_old_and_new)
sequence("scan_without_states", (4, 3), scan_without_states)
sequence("scan_bidirectional", (5, 3), scan_bidirectional)


# --- Connectionist temporal classification. ---


def spell(name, steps, count, longest, labels, blank=0, head=None, lengths=None, zero_infinity=False, padded=False, **more):
    """A linear layer for each step, and labels whose places are not known. `lengths` are the least ones, of steps and of labels."""

    def forward(net, x, label, m=None, n=None):
        h = torch.tanh(x) if head is None else head(net, torch.tanh(x))
        logits = net.linear("logits", h, count)
        m = torch.full((len(x),), steps) if m is None else m.long()
        if padded:
            n = (label != 0).sum(1)
        n = torch.full((len(x),), longest) if n is None else n.long()
        log_p = F.log_softmax(logits, -1).transpose(0, 1)
        loss = F.ctc_loss(log_p, label.long(), m, n, blank=blank % count, zero_infinity=zero_infinity)
        return {"logits": logits}, loss

    own = {} if lengths is None else {"m": classes(steps + 1, low=lengths[0])}
    targets = {"label": labels} | ({} if lengths is None else {"n": classes(longest + 1, low=lengths[1])})
    case("ctc", name, {"x": normal(steps, 4), **own}, targets, forward, batches=FEW, samples=8, **more)


def padded_labels(rng, n):
    """Labels, and blanks behind them; one sample has none."""
    label = rng.integers(1, 5, size=(n, 4))
    length = np.append(rng.integers(1, 5, size=n - 1), 0)
    return label * (np.arange(4) < length[:, None])


rule = lambda parameters: torch.optim.Adam(parameters, lr=0.01)
spell("ctc", 7, 5, 3, classes(5, 3, low=1))
spell("ctc_adam", 7, 5, 3, classes(5, 3, low=1), optimizer=rule)
spell("ctc_repeated", 9, 3, 4, classes(3, 4, low=1))
spell("ctc_one_label", 4, 3, 1, classes(3, 1, low=1))
spell("ctc_one_step", 1, 3, 1, classes(3, 1, low=1))
spell("ctc_no_room", 4, 6, 4, lambda rng, n: np.array([rng.permutation(5)[:4] + 1 for _ in range(n)]))
spell("ctc_lengths", 8, 5, 3, classes(5, 3, low=1), lengths=(6, 0))
spell("ctc_impossible", 6, 4, 4, classes(4, 4, low=1), lengths=(0, 0), zero_infinity=True)
spell("ctc_last_blank", 7, 5, 3, classes(4, 3), blank=-1)
spell("ctc_middle_blank", 7, 5, 3, choice([0, 1, 3, 4], 3), blank=2)
spell("ctc_padded", 9, 5, 4, padded_labels, padded=True)
spell(
    "ctc_recurrent", 30, 6, 6, classes(6, 6, low=1), optimizer=rule,
    head=lambda net, s: recurrent(net, "h.gru", "GRU", s, 5, bidirectional=True)[0],
)


# --- Tokens and attention. ---

torch.backends.mha.set_fastpath_enabled(False)


def built(net, path, module, *args, **options):
    """One of PyTorch's modules of several layers, with our parameters."""
    tensors = {}
    for name, p in module.named_parameters():
        matrix = p.dim() > 1
        offset = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        tensors[name] = net.parameter(f"{path}.{name}", tuple(p.shape), 1 / math.sqrt(p.shape[1]) if matrix else 0.3, offset)
    return torch.func.functional_call(module.to(DTYPE).train(net.training), tensors, args, options)


def reads(name, function, x=(5, 8), target=2, optimizer=default_optimizer, **inputs):
    """`function(net, s, **inputs)` gives a tensor, which goes into a dense layer."""

    def forward(net, x, y, **more):
        a = function(net, torch.tanh(x), **more)
        p = net.dense("p", a.flatten(1), target)
        return {"a": a, "p": p}, F.mse_loss(p, y)

    case("attention", name, {"x": normal(*x), **inputs}, {"y": normal(target)}, forward, optimizer, batches=FEW, samples=8)


def table(net, path, tokens, count, dim, padding=None):
    weight = net.parameter(f"{path}.weight", (count, dim))
    return F.embedding(tokens.long(), weight, padding_idx=padding)


def of_tokens(name, function, count=7, length=5, optimizer=default_optimizer, **inputs):
    """`function(net, tokens, **inputs)` gives a tensor, which goes into a dense layer."""

    def forward(net, tokens, y, **more):
        a = function(net, tokens, **more)
        p = net.dense("p", torch.tanh(a).flatten(1), 2)
        return {"a": a, "p": p}, F.mse_loss(p, y)

    dims = () if length is None else (length,)
    fields = {"tokens": classes(count, *dims), **inputs}
    case("attention", name, fields, {"y": normal(2)}, forward, optimizer, batches=FEW, samples=8)


adamw = lambda parameters: torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.1)
of_tokens("embedding", lambda net, t: table(net, "a.embedding", t, 7, 4))
of_tokens("embedding_of_one", lambda net, t: table(net, "a.embedding", t, 7, 3), length=None)
of_tokens("embedding_padding", lambda net, t: table(net, "a.embedding", t, 7, 4, padding=2), optimizer=adamw)
of_tokens("embedding_large", lambda net, t: table(net, "a.embedding", t, 300, 12), count=300, length=9, optimizer=adamw)
of_tokens(
    "position_embedding",
    lambda net, t: table(net, "e.embedding", t, 7, 4) + net.parameter("a.position_embedding.weight", (5, 4)),
)


def sinusoids(length, features, base=10000.0):
    position = torch.arange(length, dtype=DTYPE)[:, None]
    rate = torch.exp(-torch.arange(0, features, 2, dtype=DTYPE) * math.log(base) / features)
    encoding = torch.zeros(length, features, dtype=DTYPE)
    encoding[:, 0::2] = torch.sin(position * rate)
    encoding[:, 1::2] = torch.cos(position * rate)[:, : features // 2]
    return encoding


reads("positional_encoding", lambda net, s: s + sinusoids(5, 8))
reads("positional_encoding_odd", lambda net, s: s + sinusoids(6, 5, 100.0), x=(6, 5))


def rotate(x, heads, base=10000.0, interleaved=False):
    """As in RoFormer's paper, on complex numbers."""
    batch, length, features = x.shape
    width = features // heads
    cut = x.reshape(batch, length, heads, width)
    if interleaved:
        a, b = cut[..., 0::2], cut[..., 1::2]
    else:
        a, b = cut[..., : width // 2], cut[..., width // 2 :]
    rate = base ** (-torch.arange(0, width, 2, dtype=DTYPE) / width)
    angle = (torch.arange(length, dtype=DTYPE)[:, None] * rate)[:, None, :]
    turned = torch.complex(a, b) * torch.polar(torch.ones_like(angle), angle)
    parts = [turned.real, turned.imag]
    turned = torch.stack(parts, -1) if interleaved else torch.cat(parts, -1)
    return turned.reshape(batch, length, features)


reads("rotary", lambda net, s: rotate(s, 2))
reads("rotary_interleaved", lambda net, s: rotate(s, 2, 100.0, True))


def heads_of(x, heads):
    return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)


def dot_product(q, k, v, heads, kv_heads=None, **options):
    kv_heads = kv_heads or heads
    cut = heads_of(q, heads), heads_of(k, kv_heads), heads_of(v, kv_heads)
    y = F.scaled_dot_product_attention(*cut, enable_gqa=kv_heads != heads, **options)
    return y.transpose(1, 2).flatten(2)


def there(length, count):
    return torch.arange(count) < length[:, None]


keys = {"k": normal(6, 8), "v": normal(6, 12)}
reads("attention", lambda net, s, k, v: dot_product(s, k, v, 2), **keys)
reads("attention_one_head", lambda net, s, k, v: dot_product(s, k, v, 1, scale=0.7), **keys)
reads("attention_causal", lambda net, s, k: dot_product(s, k, k, 4, is_causal=True), k=normal(5, 8))
reads("attention_grouped", lambda net, s, k: dot_product(s, k, k, 4, 2), k=normal(6, 4))
reads(
    "attention_padding",
    lambda net, s, k, v, length: dot_product(s, k, v, 2, attn_mask=there(length, 6)[:, None, None, :]),
    **keys,
    length=classes(7, low=1),
)


def seen(*dims):
    """A mask in which the first key is always seen: of nothing, PyTorch's mean is NaN."""

    def draw(rng, n):
        mask = rng.integers(0, 2, size=(n, *dims))
        mask[..., 0] = 1
        return mask

    draw.whole = True
    return draw


reads(
    "attention_masked",
    lambda net, s, k, v, mask: dot_product(s, k, v, 2, attn_mask=mask[:, None] != 0),
    **keys,
    mask=seen(5, 6),
)
reads(
    "attention_masked_by_head",
    lambda net, s, k, v, mask: dot_product(s, k, v, 2, attn_mask=mask != 0),
    **keys,
    mask=seen(2, 5, 6),
)


def multi_head(net, path, q, memory, heads, bias=True, causal=False, length=None):
    widths = {} if memory.shape[2] == q.shape[2] else {"kdim": memory.shape[2], "vdim": memory.shape[2]}
    module = torch.nn.MultiheadAttention(q.shape[2], heads, bias=bias, batch_first=True, **widths)
    size = q.shape[1]
    options = {"need_weights": False, "attn_mask": torch.triu(torch.ones(size, size), 1).bool() if causal else None}
    options["key_padding_mask"] = None if length is None else ~there(length, memory.shape[1])
    return built(net, path, module, q, memory, memory, **options)[0]


reads("self_attention", lambda net, s: multi_head(net, "a.self_attention", s, s, 2))
reads("self_attention_causal", lambda net, s: multi_head(net, "a.self_attention", s, s, 4, causal=True))
reads("self_attention_without_bias", lambda net, s: multi_head(net, "a.self_attention", s, s, 2, bias=False))
reads(
    "self_attention_padding",
    lambda net, s, length: multi_head(net, "a.self_attention", s, s, 2, length=length),
    length=classes(6, low=1),
)
reads("cross_attention", lambda net, s, z: multi_head(net, "a.cross_attention", s, z, 2), z=normal(4, 8))
reads("cross_attention_of_another_width", lambda net, s, z: multi_head(net, "a.cross_attention", s, z, 2), z=normal(4, 3))


def rotary_grouped(net, s):
    """Four heads of queries, two of keys and values, with rotary positions, in plain formulas."""
    w = net.parameter("a.self_attention.in_proj_weight", (16, 8), 1 / math.sqrt(8))
    b = net.parameter("a.self_attention.in_proj_bias", (16,), 0.3)
    q, k, v = F.linear(s, w, b).split([8, 4, 4], -1)
    y = dot_product(rotate(q, 4), rotate(k, 2), v, 4, 2, is_causal=True)
    return F.linear(
        y,
        net.parameter("a.self_attention.out_proj.weight", (8, 8), 1 / math.sqrt(8)),
        net.parameter("a.self_attention.out_proj.bias", (8,), 0.3),
    )


reads("self_attention_rotary_grouped", rotary_grouped)


def encoder_layer(net, path, x, heads, causal=False, length=None, feedforward=6, **options):
    module = torch.nn.TransformerEncoderLayer(x.shape[2], heads, feedforward, dropout=0.0, batch_first=True, **options)
    size = x.shape[1]
    mask = torch.triu(torch.ones(size, size), 1).bool() if causal else None
    return built(net, path, module, x, src_mask=mask, src_key_padding_mask=None if length is None else ~there(length, size))


def decoder_layer(net, path, x, memory, heads, length=None, **options):
    module = torch.nn.TransformerDecoderLayer(x.shape[2], heads, 6, dropout=0.0, batch_first=True, **options)
    mask = torch.triu(torch.ones(x.shape[1], x.shape[1]), 1).bool()
    padding = None if length is None else ~there(length, memory.shape[1])
    return built(net, path, module, x, memory, tgt_mask=mask, memory_key_padding_mask=padding)


path = "a.transformer_encoder_layer"
reads("encoder_layer", lambda net, s: encoder_layer(net, path, s, 2))
reads("encoder_layer_norm_first", lambda net, s: encoder_layer(net, path, s, 2, causal=True, norm_first=True, activation="gelu"))
reads(
    "encoder_layer_padding",
    lambda net, s, length: encoder_layer(net, path, s, 4, length=length, activation="gelu"),
    length=classes(6, low=1),
)
reads("encoder_layer_without_bias", lambda net, s: encoder_layer(net, path, s, 2, norm_first=True, bias=False))
decoder = "a.transformer_decoder_layer"
reads("decoder_layer", lambda net, s, z: decoder_layer(net, decoder, s, z, 2), z=normal(4, 8))
reads(
    "decoder_layer_norm_first",
    lambda net, s, z, length: decoder_layer(net, decoder, s, z, 2, length, norm_first=True, activation="gelu"),
    z=normal(4, 8),
    length=classes(5, low=1),
)


def gathered(s, length):
    """The last of so many; zeros if there are none."""
    at = (length.long() - 1).clamp(min=0)
    return s[torch.arange(len(s)), at] * (length > 0)[:, None]


def mean_of(s, length):
    mask = there(length, s.shape[1])[..., None].to(DTYPE)
    return (s * mask).sum(1) / mask.sum(1).clamp(min=1)


reads("last_of_a_length", lambda net, s, length: gathered(s, length), length=classes(6))
reads("mean_of_a_length", lambda net, s, length: mean_of(s, length), length=classes(6))
reads(
    "masked_positions", lambda net, s, length: s * there(length, 5)[..., None].to(DTYPE), length=classes(6)
)


def causal_conv(net, path, x, filters, kernel, dilation=1):
    return net.conv(path, F.pad(x, ((kernel - 1) * dilation, 0)), filters, kernel, dilation=dilation)


def wavenet(net, s):
    """Gated, dilated, causal convolutions with residual and skip connections."""
    x, skips = causal_conv(net, "begin", s, 6, 2), 0
    for i, dilation in enumerate([1, 2, 4]):
        gate = torch.tanh(causal_conv(net, f"filter{i}", x, 6, 2, dilation))
        gate = gate * torch.sigmoid(causal_conv(net, f"gate{i}", x, 6, 2, dilation))
        skips = skips + net.conv(f"skip{i}", gate, 4, 1)
        if i < 2:
            x = x + net.conv(f"rest{i}", gate, 6, 1)
    return torch.relu(skips)


reads("causal_convolution", lambda net, s: causal_conv(net, "a", s, 3, 3, 2), x=(4, 9))
reads("wavenet", wavenet, x=(3, 12))


def gpt(net, tokens, label):
    x = table(net, "embedded.embedding", tokens, 11, 8)
    x = x + net.parameter("x.position_embedding.weight", (6, 8))
    for i in range(2):
        x = encoder_layer(net, f"blocks.{i}.transformer_encoder_layer", x, 2, True, None, 16, norm_first=True, activation="gelu")
    x = net.module("h.layer_norm", torch.nn.LayerNorm(8), x)
    logits = F.linear(x, net.parameters["embedded.embedding.weight"])
    return {"logits": logits}, F.cross_entropy(logits.flatten(0, 1), label.long().flatten())


# The gradient of the keys' bias is zero but for rounding, which Adam would make large.
momentum = lambda parameters: torch.optim.SGD(parameters, lr=0.05, momentum=0.9)
case(
    "attention", "gpt", {"tokens": classes(11, 6)}, {"label": classes(11, 6)}, gpt, momentum, batches=FEW, samples=8
)


# --- Sequences so long that attention is computed by blocks of queries: whole blocks of a prime length leave some over. ---


def long(name, function, x, **inputs):
    def forward(net, x, y, **more):
        a = net.linear("a", function(torch.tanh(x), **more), 4)
        return {"a": a}, F.mse_loss(a, y)

    fields = {"x": normal(*x), **inputs}
    case("long", name, fields, {"y": normal(*x)}, forward, default_optimizer, batches=[2, 1] * 5, samples=3)


long("causal", lambda s, k: dot_product(s, k, k, 2, is_causal=True), (1021, 4), k=normal(1021, 4))
long(
    "padding",
    lambda s, k, v, length: dot_product(s, k, v, 2, 1, attn_mask=there(length, 1100)[:, None, None, :]),
    (700, 4),
    k=normal(1100, 2),
    v=normal(1100, 2),
    length=classes(1101, low=1),
)


def long_self_attention(net, x, y):
    s = torch.tanh(x)
    return {"a": (a := multi_head(net, "a.self_attention", s, s, 2))}, F.mse_loss(a, y)


case(
    "long",
    "self_attention",
    {"x": normal(1024, 4)},
    {"y": normal(1024, 4)},
    long_self_attention,
    default_optimizer,
    batches=[2, 1] * 5,
    samples=3,
)

(HERE / "fixtures").mkdir(exist_ok=True)
for family, tensors in FAMILIES.items():
    path = HERE / "fixtures" / f"{family}.safetensors"
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, path, {"torch": torch.__version__.split("+")[0]})
    cases = len({k.split("/")[0] for k in tensors})
    print(f"{path.name}: {cases} cases, {path.stat().st_size / 1024:.0f} KiB")

(HERE / "random_convolutions.rs").write_text(
    f"""//! Random convolutions, as `make_fixtures.py` draws and prints them.

use crate::spatial;

spatial! {{ "convolutions";
{RANDOM_CONVOLUTIONS}}}
"""
)
