//! Networks of every kind as ONNX files. What they compute in another runtime is checked by `check.py`, which reads what this test
//! leaves in the folder that `NN_ONNX_FOLDER` names:
//!
//! ```text
//! NN_ONNX_FOLDER=$PWD/target/onnx cargo test -p nn-tests --features onnx --test onnx
//! python tests/onnx/check.py target/onnx        # pip install onnx onnxruntime safetensors
//! ```

mod random;

use std::fs;
use std::path::{Path, PathBuf};

use nn::__private::{Input, Net, Row};
use nn::{Device, network};
use safetensors::tensor::{Dtype, TensorView};

network! {
    network Mlp {
        input  image: [1, 6, 6];
        target label: class(10);
        hidden = image >> flatten >> dense(32) >> relu >> dropout(0.5) >> dense(16, bias = false) >> tanh;
        logits = hidden >> dense(10);
        output probability = softmax(logits);
        loss cross_entropy(logits, label);
        metric accuracy(logits, label);
        optimizer adam;
    }

    network Activations {
        input x: [3, 8];
        a = sigmoid(x) + hard_sigmoid(x) + relu6(x) + leaky_relu(x) + prelu(x, num_parameters = 3);
        b = elu(x) + selu(x) + celu(x, alpha = 2.0) + gelu(x) + gelu(x, approximate = "tanh") + silu(x) + mish(x);
        c = softplus(x) + softsign(x) + hard_swish(x) + log_softmax(x, axis = 0) + softmax(x) + step(x) + log(square(x) + 1.0);
        output a = a;
        output b = b;
        output c = c;
        output d = maxout(x, 2) * 2.0 + minimum(maxout(x, 2), 0.5);
    }

    network Arithmetic {
        input x: [4, 6];
        input z: [6];
        input s: [];
        both = (x + z) * s - z / (abs(x) + 1.0);
        output sums = sum(both, axis = 1);
        output means = mean(both, axis = 0, keep_dims = true) + max(both, axis = -1, keep_dims = true);
        output powers = pow(abs(both) + 0.5, 1.5) + sqrt(abs(x)) + exp(-x) + clamp(x, -0.5, 0.5) - maximum(x, z);
        output y = x >> permute([1, 0]) >> reshape([2, 12]) >> slice(axis = 1, start = 3, end = 9);
        output parts = concat(x, both, x * both, axis = 1);
        output product = matmul(x, permute(both, [1, 0]));
        output all = sum(both);
    }

    network Convolutions {
        input x: [4, 11, 9];
        plain = x >> conv2d(6, 3) >> relu;
        strided = x >> conv2d(6, [3, 2], stride = [2, 1], padding = 1) >> relu;
        dilated = x >> conv2d(4, 3, dilation = 2, padding = "same");
        grouped = x >> conv2d(8, 3, groups = 2, stride = 2, padding = 2);
        depthwise = x >> conv2d(4, 3, groups = 4, padding = 1, bias = false);
        pointwise = x >> conv2d(5, 1) >> conv2d(3, 1, stride = 2);
        separable = x >> separable_conv2d(7, 3);
        mirrored = x >> conv2d(3, 3, padding = 1, padding_mode = "reflect");
        around = x >> conv2d(3, 3, padding = 2, padding_mode = "circular");
        edge = x >> conv2d(3, 3, padding = 1, padding_mode = "replicate");
        output plain = plain;
        output strided = strided;
        output dilated = dilated;
        output grouped = grouped;
        output depthwise = depthwise;
        output pointwise = pointwise;
        output separable = separable;
        output mirrored = mirrored;
        output around = around;
        output edge = edge;
    }

    network OtherAxes {
        input line: [3, 20];
        input volume: [2, 5, 6, 7];
        output a = line >> conv1d(4, 5, stride = 2, padding = 1) >> relu >> max_pool1d(2);
        output b = volume >> conv3d(3, 3, padding = 1, stride = [1, 2, 2]) >> tanh;
        output c = line >> conv_transpose1d(2, 4, stride = 3, padding = 1);
    }

    network Transposed {
        input x: [4, 5, 6];
        output plain = x >> conv_transpose2d(3, 3);
        output strided = x >> conv_transpose2d(3, 3, stride = 2, padding = 1, output_padding = 1);
        output grouped = x >> conv_transpose2d(6, [2, 3], stride = [3, 2], groups = 2, bias = false);
        output dilated = x >> conv_transpose2d(2, 3, dilation = 2, padding = 2);
        output pointwise = x >> conv_transpose2d(3, 1, stride = 2);
    }

    network Pools {
        input x: [3, 9, 10];
        output a = max_pool2d(x, 2);
        output b = max_pool2d(x, 3, stride = 2, padding = 1);
        output c = avg_pool2d(x, 3, stride = 1, padding = 1);
        output d = avg_pool2d(x, 2, stride = 2, padding = 1, count_include_pad = false, ceil_mode = true);
        output e = global_avg_pool(x);
        output f = global_max_pool(x);
        output g = adaptive_avg_pool2d(x, [4, 5]);
        output h = max_pool2d(x, 3, dilation = 2, stride = 1);
    }

    network Norms {
        input x: [4, 5, 6];
        target y: [4, 5, 6];
        batch = x >> conv2d(4, 3, padding = 1) >> batch_norm >> relu;
        output p = batch;
        output layer = layer_norm(batch, axes = [1, 2]);
        output group = group_norm(batch, 2);
        output instance = instance_norm(batch);
        output root = rms_norm(batch, axis = -1);
        output local = local_response_norm(batch, 3);
        loss mse(batch, y);
        optimizer sgd(learning_rate = 0.01);
    }

    network Resampled {
        input x: [4, 5, 6];
        output nearest = upsample(x, 2);
        output bilinear = upsample(x, [2, 3], mode = "bilinear");
        output shuffled = pixel_shuffle(x, 2);
        output unshuffled = x >> pad([[0, 0], [1, 0], [0, 0]]) >> pixel_unshuffle(2);
        output channels = channel_shuffle(x, 2);
        output padded = pad(x, [[0, 0], [1, 2], [2, 1]], value = 0.5);
        output mirrored = pad(x, [[0, 0], [2, 2], [1, 1]], mode = "reflect");
        output cropped = crop(x, [[1, 0], [0, 2], [1, 1]]);
    }

    network Residual {
        input image: [3, 16, 16];
        target label: class(5);
        block conv_bn(x, filters, stride = 1, kernel = 3) {
            x >> conv2d(filters, kernel, stride = stride, padding = kernel / 2, bias = false) >> batch_norm
        }
        block basic(x, filters, stride = 1) {
            inner = x >> conv_bn(filters, stride) >> relu >> conv_bn(filters);
            relu(inner + (x >> conv_bn(filters, stride, kernel = 1)))
        }
        body = image >> conv_bn(8) >> relu >> basic(8) >> basic(16, stride = 2) >> basic(16);
        logits = body >> global_avg_pool >> flatten >> dense(5);
        output probability = softmax(logits);
        output features = body;
        loss cross_entropy(logits, label);
        optimizer sgd(learning_rate = 0.01, momentum = 0.9);
    }

    network Sequence {
        input words: [7, 12];
        q = words >> linear(8, name = "q");
        k = words >> linear(8, name = "k");
        v = words >> linear(8, name = "v");
        attention = softmax(matmul(q, permute(k, [1, 0])) / 8.0);
        mixed = matmul(attention, v) >> linear(12) >> gelu;
        output y = layer_norm(words + mixed, axis = -1);
        output last = mean(mixed, axis = 0) >> dense(3);
    }

    network Recurrent {
        input x: [6, 4];
        input n: class(7);
        input h0: [5];
        (deep, h, c) = x >> lstm(5, layers = 2, bidirectional = true, length = n);
        output deep = deep;
        output h = h;
        output c = c;
        output last = x >> gru(5, h = h0) >> last;
        output plain = x >> rnn(3, activation = relu) >> linear(2);
    }

    network Scanned {
        input x: [6, 4];
        input z: [6];
        scan both(x_t in x, z_t in z, h = zeros(3), kept = zeros(3), reverse = true) {
            mixed = linear(concat([x_t, h]), 3) * z_t;
            kept = h;
            h = tanh(mixed);
            (h, mixed, z_t)
        }
        (states, mixtures, rows) = both;
        scan second(row in states, total = zeros(3)) {
            total = total + row * 0.5;
            total
        }
        output a = states + second;
        output b = mixtures;
        output c = rows;
        output total = second.total;
    }

    network Tokens {
        input words: class(20)[9];
        input length: class(10);
        there = mask_from(length, 9);
        read = words >> embedding(8, padding_index = 0, name = "e") >> positional_encoding;
        seen = read >> transformer_encoder_layer(4, feedforward = 16, mask = there, rotary = true);
        written = seen >> transformer_encoder_layer(2, feedforward = 16, causal = true);
        output scores = written >> tied_linear("read.e");
        output judged = masked_mean(seen, there) >> dense(2);
    }

    network Kept {
        input x: [6, 4];
        output y = x >> lstm(5, stateful = true);
    }

    network Constants {
        input x: [3];
        output fixed = x * 0.0 + 1.0;
    }
}

/// What all generated types have in common here.
trait Exported: AsRef<Net> {
    /// A network of which no number is special.
    fn make() -> Self;
    fn export(&self, path: &Path) -> nn::Result<()>;
}

macro_rules! exported {
    ($($name:ident)*) => {$(
        impl Exported for $name {
            fn make() -> Self {
                let mut net = $name::new(&Device::cpu(), 7).unwrap();
                for (number, p) in net.parameters().enumerate() {
                    let size = p.dims.iter().product::<usize>();
                    // Variances are positive, and sums stay about as large as their terms.
                    let (scale, offset) = match p.name.ends_with("running_var") {
                        true => (0.5, 1.0),
                        false => (1.0 / (p.dims[1..].iter().product::<usize>() as f32).sqrt(), 0.1),
                    };
                    let values: Vec<f32> = waves(number + 1, size).iter().map(|v| v * scale + offset).collect();
                    net.set_parameter(p.name, &values).unwrap();
                }
                net
            }
            fn export(&self, path: &Path) -> nn::Result<()> {
                self.export_onnx(path)
            }
        }
    )*};
}

exported! {
    Mlp Activations Arithmetic Convolutions OtherAxes Transposed Pools Norms Resampled Residual Sequence
    Recurrent Scanned Tokens Kept Constants
}

/// Numbers within ±1 that do not repeat soon.
fn waves(key: usize, count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + key * 104_729) as f32 * 0.013).sin()).collect()
}

/// Samples of an input, for `predict` and for the file.
type Given = (Input<'static>, Vec<f32>);

const SAMPLES: usize = 3;

fn real<const N: usize>(key: usize) -> Given
where
    [f32; N]: Row<f32, N, [f32; N]>,
{
    let rows: Vec<[f32; N]> = waves(key, SAMPLES * N).as_chunks().0.to_vec();
    let flat = rows.as_flattened().to_vec();
    (nn::__private::rows(Vec::leak(rows)), flat)
}

/// Classes below a number.
fn classes<const N: usize>(key: usize, classes: u32) -> Given
where
    [u32; N]: Row<u32, N, [u32; N]>,
{
    let numbers: Vec<u32> = waves(key, SAMPLES * N).iter().map(|v| (v.abs() * 1e6) as u32 % classes).collect();
    let flat = numbers.iter().map(|&n| n as f32).collect();
    (nn::__private::rows::<u32, N, _, _>(Vec::leak(numbers.as_chunks::<N>().0.to_vec())), flat)
}

/// Where files go, and whether they stay.
fn folder() -> (PathBuf, bool) {
    match std::env::var_os("NN_ONNX_FOLDER") {
        // Tests run in the folder of their crate.
        Some(folder) => (Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder), true),
        None => (std::env::temp_dir().join(format!("nn-onnx-{}", std::process::id())), false),
    }
}

/// Writes what goes into a network and what comes out: names, dimensions of a sample, numbers.
fn save<'a>(path: &Path, tensors: impl Iterator<Item = (String, &'a [usize], Vec<f32>)>) {
    let with_batch = |dims: &[usize]| std::iter::once(SAMPLES).chain(dims.iter().copied()).collect::<Vec<_>>();
    let bytes = |values: Vec<f32>| values.into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>();
    let tensors: Vec<_> = tensors.map(|(name, dims, values)| (name, with_batch(dims), bytes(values))).collect();
    let views = tensors.iter().map(|(n, dims, b)| (n, TensorView::new(Dtype::F32, dims.clone(), b).unwrap()));
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// Writes a network, some samples, and what it makes of them. Of the operations, some must be there and others must not.
fn check<N: Exported>(given: Vec<Given>, wanted: &[&str], unwanted: &[&str]) {
    let net = N::make();
    let program = net.as_ref().program();
    let (folder, stays) = folder();
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{}.onnx", program.name));
    net.export(&path).unwrap();
    let file = fs::read(&path).unwrap();
    // The operation is the fourth field of a node.
    let is_there = |op: &str| {
        let field = [&[4 << 3 | 2, op.len() as u8], op.as_bytes()].concat();
        file.windows(field.len()).any(|window| window == field)
    };
    wanted.iter().for_each(|op| assert!(is_there(op), "{} has no `{op}`", program.name));
    unwanted.iter().for_each(|op| assert!(!is_there(op), "{} has a `{op}`", program.name));

    let (inputs, numbers): (Vec<Input<'_>>, Vec<Vec<f32>>) = given.into_iter().unzip();
    let predicted = net.as_ref().predict(&inputs).unwrap();
    let inputs = program.fields.iter().zip(numbers).map(|(f, v)| (format!("input/{}", f.name), f.dims, v));
    let outputs = program.outputs.iter().zip(predicted).enumerate();
    let outputs = outputs.map(|(i, (o, v))| (format!("output/{i}/{}", o.name), o.dims, v));
    save(&folder.join(format!("{}.safetensors", program.name)), inputs.chain(outputs));
    if !stays {
        fs::remove_file(path).unwrap();
        fs::remove_file(folder.join(format!("{}.safetensors", program.name))).unwrap();
        // The last test of those that share it removes the folder.
        let _ = fs::remove_dir(folder);
    }
}

#[test]
fn dense_layers() {
    check::<Mlp>(vec![real::<36>(1)], &["MatMul"], &["Einsum", "Gather"]);
    check::<Activations>(vec![real::<24>(1)], &["Sigmoid", "Erf"], &[]);
    check::<Arithmetic>(vec![real::<24>(1), real::<6>(2), real::<1>(3)], &["Einsum", "Concat", "Transpose"], &[]);
    check::<Sequence>(vec![real::<84>(1)], &["MatMul", "Einsum"], &[]);
    check::<Constants>(vec![real::<3>(1)], &["Expand"], &[]);
}

#[test]
fn images() {
    check::<Convolutions>(vec![real::<396>(1)], &["Conv"], &["Einsum", "ConvTranspose"]);
    check::<OtherAxes>(vec![real::<60>(1), real::<420>(2)], &["Conv", "ConvTranspose"], &["Einsum"]);
    check::<Transposed>(vec![real::<120>(1)], &["ConvTranspose"], &["Einsum", "Conv"]);
    check::<Pools>(vec![real::<270>(1)], &["ReduceMax"], &[]);
    check::<Norms>(vec![real::<120>(1)], &["Conv", "Sqrt"], &[]);
    check::<Resampled>(vec![real::<120>(1)], &["Gather", "Slice"], &["Einsum"]);
    check::<Residual>(vec![real::<768>(1)], &["Conv", "MatMul"], &["Einsum", "Gather"]);
}

#[test]
fn sequences() {
    let recurrent = vec![real::<24>(1), classes::<1>(2, 7), real::<5>(3)];
    check::<Recurrent>(recurrent, &["Scan", "Sigmoid"], &["Einsum"]);
    check::<Scanned>(vec![real::<24>(1), real::<6>(2)], &["Scan"], &[]);
    check::<Tokens>(vec![classes::<9>(1, 20), classes::<1>(2, 10)], &["Gather", "Where"], &["Scan"]);
}

#[test]
fn what_onnx_has_no_word_for_is_an_error_that_says_so() {
    let error = Kept::make().export(Path::new("kept.onnx")).unwrap_err().to_string();
    assert!(error.contains("kept from batch to batch (`stateful = true`)"), "{error}");
    let missing = Path::new("no such folder").join("net.onnx");
    let error = Mlp::make().export(&missing).unwrap_err().to_string();
    assert!(error.contains("no such folder"), "{error}");
}
