"""Writes the fixtures of the parity tests: what PyTorch (and scikit-learn, for metrics) computes.

    pip install torch numpy safetensors scikit-learn
    python make_fixtures.py            # writes fixtures/<family>.safetensors

Every case is a small network whose subject stands in the middle of a graph. PyTorch runs it in f64 from f32 parameters
and f32 data, so that all of the tests' tolerance belongs to the other side. A case's tensors are called

    <case>/data/<field>             all samples; whole f32 numbers for classes
    <case>/batches                  sizes of the ten batches, taken from the data one after another
    <case>/before/<parameter>       parameters at the start
    <case>/output/<name>            outputs for the first batch (as in inference)
    <case>/loss                     mean loss of the first batch
    <case>/gradient/<parameter>     its gradients
    <case>/field_gradient/<field>   its gradients with respect to inputs
    <case>/losses                   the losses of ten optimizer steps
    <case>/after/<parameter>        parameters after them

and metrics cases have data, before, batches and <case>/metric/<name>. Each case draws from a generator of its own,
seeded by its name: a new case changes no other.
"""

import math
import zlib
from pathlib import Path

import numpy as np
import sklearn.metrics
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
HERE = Path(__file__).parent
BATCHES = [4, 4, 3, 4, 1, 4, 2, 4, 4, 4]
FAMILIES = {}


class Net:
    """Parameters by path, made on first use."""

    def __init__(self, rng):
        self.rng, self.parameters = rng, {}

    def parameter(self, name, shape, scale=1.0, offset=0.0):
        if name not in self.parameters:
            value = np.float32(self.rng.normal(size=shape) * scale + offset)
            self.parameters[name] = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        return self.parameters[name]

    def dense(self, path, x, n, bias=True, scale=1.0, kind="dense"):
        k = x.shape[-1]
        w = self.parameter(f"{path}.{kind}.weight", (n, k), scale / math.sqrt(k))
        b = self.parameter(f"{path}.{kind}.bias", (n,), 0.3) if bias else None
        return F.linear(x, w, b)

    def linear(self, path, x, n, **options):
        return self.dense(path, x, n, kind="linear", **options)


def normal(*dims, scale=1.0, offset=0.0):
    return lambda rng, n: rng.normal(size=(n, *dims)) * scale + offset


def uniform(low, high, *dims):
    return lambda rng, n: rng.uniform(low, high, size=(n, *dims))


def classes(count, *dims):
    return lambda rng, n: rng.integers(0, count, size=(n, *dims))


def choice(values, *dims):
    return lambda rng, n: rng.choice(values, size=(n, *dims))


def distribution(*dims, axis=-1):
    def draw(rng, n):
        e = np.exp(rng.normal(size=(n, *dims)) * 1.5)
        return e / e.sum(axis=axis if axis < 0 else axis + 1, keepdims=True)

    return draw


def default_optimizer(parameters):
    return torch.optim.SGD(parameters, lr=0.02)


def case(family, name, inputs, targets, forward, optimizer=default_optimizer, clip_value=None, clip_norm=None):
    """`forward(net, **fields)` gives (outputs by name, mean loss)."""
    rng = np.random.default_rng(zlib.crc32(f"{family}/{name}".encode()))
    tensors = FAMILIES.setdefault(family, {})
    assert f"{name}/loss" not in tensors, name

    def put(key, value):
        value = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        value = value.astype(np.float32)
        assert np.isfinite(value).all(), f"{name}/{key}"
        tensors[f"{name}/{key}"] = value

    total = sum(BATCHES)
    data = {k: np.float32(draw(rng, total)) for k, draw in (inputs | targets).items()}
    net = Net(rng)

    def batch(start, size, requires_grad=False):
        fields = {k: torch.tensor(v[start : start + size], dtype=torch.float64) for k, v in data.items()}
        for k in inputs:
            fields[k].requires_grad_(requires_grad)
        return fields

    fields = batch(0, BATCHES[0], requires_grad=True)
    outputs, loss = forward(net, **fields)
    loss.backward()
    for k, v in data.items():
        put(f"data/{k}", v)
    put("batches", BATCHES)
    for k, v in net.parameters.items():
        put(f"before/{k}", v)
        put(f"gradient/{k}", torch.zeros_like(v) if v.grad is None else v.grad)
    for k, v in outputs.items():
        put(f"output/{k}", v)
    put("loss", [loss.item()])
    for k in inputs:
        grad = fields[k].grad
        put(f"field_gradient/{k}", torch.zeros_like(fields[k]) if grad is None else grad)

    parameters = list(net.parameters.values())
    rule, losses, start = optimizer(parameters), [], 0
    for size in BATCHES:
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
        losses.append(loss.item())
        start += size
    assert max(losses) < 20 * losses[0], f"{name} diverges: {losses}"
    put("losses", losses)
    for k, v in net.parameters.items():
        put(f"after/{k}", v)


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
optimizer("adamax_options", lambda p: O.Adamax(p, lr=0.02, betas=(0.8, 0.95), weight_decay=0.05))


# --- Metrics, against scikit-learn: on what one dense layer gives. ---


def metric(name, target, measure, width=4, samples=513):
    """`measure(target, prediction)` gives metrics by name, over all samples."""
    rng = np.random.default_rng(zlib.crc32(f"metrics/{name}".encode()))
    net = Net(rng)
    x, y = np.float32(rng.normal(size=(samples, 5))), np.float32(target(rng, samples))
    p = net.dense("p", torch.tensor(x, dtype=torch.float64), width, scale=2.0).detach().numpy()
    if callable(getattr(target, "given", None)):
        y = np.float32(target.given(p, rng))
    tensors = FAMILIES.setdefault("metrics", {})
    tensors |= {f"{name}/data/x": x, f"{name}/data/y": y}
    for k, v in net.parameters.items():
        tensors[f"{name}/before/{k}"] = v.detach().numpy().astype(np.float32)
    for k, v in measure(y, p).items():
        tensors[f"{name}/metric/{k}"] = np.float32([v])


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

(HERE / "fixtures").mkdir(exist_ok=True)
for family, tensors in FAMILIES.items():
    path = HERE / "fixtures" / f"{family}.safetensors"
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, path, {"torch": torch.__version__.split("+")[0]})
    cases = len({k.split("/")[0] for k in tensors})
    print(f"{path.name}: {cases} cases, {path.stat().st_size / 1024:.0f} KiB")
