//! `nn` is a compile-time static-graph compiler for neural networks.
//!
//! A network is declared in [`network!`]. While the crate builds, the macro checks every shape, derives the backward
//! pass, fuses both into few kernels, plans all memory, and prints Rust code for the CPU and WGSL for the GPU, with a
//! typed trainer around them. At run time nothing is left to decide.
//!
//! # From declaration to trained model
//!
//! ```
//! use nn::network;
//!
//! network! {
//!     /// Fits a curve through points.
//!     pub network Curve {
//!         input  x: [1];
//!         target y: [1];
//!
//!         hidden = x >> dense(16) >> tanh;
//!         fitted = hidden >> dense(1);
//!
//!         output    prediction = fitted;
//!         loss      mse(fitted, y);
//!         metric    r2(fitted, y);
//!         optimizer adam(learning_rate = 1e-2);
//!     }
//! }
//!
//! fn main() -> nn::Result<()> {
//!     // Data: typed arrays, one for each sample. `CurveData` comes from the macro.
//!     let xs: Vec<[f32; 1]> = (0..256).map(|i| [i as f32 / 128.0 - 1.0]).collect();
//!     let ys: Vec<[f32; 1]> = xs.iter().map(|[x]| [x * x]).collect();
//!     let data = CurveData::new(&xs, &ys)?;
//!
//!     // The best GPU, else the CPU; NN_DEVICE=cpu or gpu overrides. Also Device::cpu() and Device::gpu()?.
//!     let device = nn::Device::auto()?;
//!     // 42 seeds everything: the same seed gives the same run, bit for bit.
//!     let mut net = Curve::new(&device, 42)?;
//!     let options = nn::Fit::default().epochs(50).batch_size(32).validation_split(0.1).quiet();
//!     let history = net.fit(&data, options)?;
//!     assert!(history.epochs[49].train.loss < history.epochs[0].train.loss);
//!
//!     let report = net.evaluate(&data)?; // `CurveReport { loss, r2 }`, both f64
//!     println!("{report}");
//!
//!     let fitted: Vec<[f32; 1]> = net.predict(&xs)?; // any number of samples, from many threads
//!     assert_eq!(fitted.len(), 256);
//!     Ok(())
//! }
//! ```
//!
//! # The rest by example
//!
//! Data comes from typed arrays, nested or flat, or from flat numbers and readers, which [`Column`] checks:
//!
//! ```
//! # nn::network! {
//! #     pub network Digits {
//! #         input image: [1, 4, 4];
//! #         target label: class(3);
//! #         logits = image >> flatten >> dense(3);
//! #         output probability = softmax(logits);
//! #         loss cross_entropy(logits, label);
//! #         metric accuracy(logits, label);
//! #         optimizer adam(learning_rate = 1e-2);
//! #     }
//! # }
//! # fn main() -> nn::Result<()> {
//! // `input image: [1, 4, 4]; target label: class(3);`
//! let nested = DigitsData::new(vec![[[[0.5; 4]; 4]; 1]; 2], vec![0, 2])?;
//! let flat = DigitsData::new(vec![[0.5; 16]; 2], vec![0, 2])?;
//! let bytes = [128_u8; 32]; // two images as they lie in a file
//! let checked = DigitsData::new(nn::Column::from_u8(&bytes, 1.0 / 255.0)?, vec![0, 2])?;
//! assert_eq!(nested.image(), flat.image());
//! assert_eq!(checked.label(), [0, 2]);
//!
//! // What does not fit is an error that says where: "`label` of sample 1 is 3, but …".
//! assert!(DigitsData::new(vec![[0.5; 16]; 2], vec![0, 3]).is_err());
//! # Ok(())
//! # }
//! ```
//!
//! Data that people have comes from readers ([`data`]): MNIST's and CIFAR's files, folders of images, tables, NumPy's arrays.
//! What they read fits wherever arrays do. Where a set is larger than memory, or images are to look different in each epoch, a
//! stream takes the place of the data; it is read by threads of its own, beside the training:
//!
//! ```
//! # nn::network! {
//! #     pub network Digits {
//! #         input image: [1, 4, 4];
//! #         target label: class(3);
//! #         logits = image >> flatten >> dense(3);
//! #         output probability = softmax(logits);
//! #         loss cross_entropy(logits, label);
//! #         metric accuracy(logits, label);
//! #         optimizer adam(learning_rate = 1e-2);
//! #     }
//! # }
//! # fn write(folder: &std::path::Path, name: &str, words: &[u32], bytes: &[u8]) {
//! #     let header: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
//! #     std::fs::write(folder.join(name), [&header, bytes].concat()).unwrap();
//! # }
//! # fn main() -> nn::Result<()> {
//! # let folder = &std::env::temp_dir().join(format!("nn-facade-{}", std::process::id()));
//! # std::fs::create_dir_all(folder).unwrap();
//! # let pixels: Vec<u8> = (0..60 * 16).map(|i| (i * 7 % 251) as u8).collect();
//! # let labels: Vec<u8> = (0..60).map(|i| i % 3).collect();
//! # for part in ["train", "t10k"] {
//! #     write(folder, &format!("{part}-images-idx3-ubyte"), &[0x803, 60, 4, 4], &pixels);
//! #     write(folder, &format!("{part}-labels-idx1-ubyte"), &[0x801, 60], &labels);
//! # }
//! use nn::data::{Augment, Normalization, idx};
//!
//! let (train, test) = (idx::train(folder)?, idx::test(folder)?); // plain or gzipped files, checked
//! let resident = DigitsData::new(train.images.clone(), train.labels.clone())?; // in memory
//!
//! let seen = Normalization::learn(&train.images)?; // mean and deviation of the training part alone
//! let images = train.images.augmented(&Augment::new().shift(1).flip())?.normalized(&seen)?;
//! let train = DigitsStream::new(images, train.labels)?;
//! let test = DigitsStream::new(test.images.normalized(&seen)?, test.labels)?;
//!
//! let mut net = Digits::new(&nn::Device::cpu(), 7)?;
//! net.fit(&train, nn::Fit::default().epochs(2).validation_data(&test).quiet())?;
//! let report = net.evaluate(&test)?;
//! # assert!(report.loss.is_finite() && resident.len() == train.len());
//! # std::fs::remove_dir_all(folder).unwrap();
//! # Ok(())
//! # }
//! ```
//!
//! Training reports every epoch, which can set the learning rate or stop; weights are read and written by name, saved and
//! loaded; gradients are at hand without training:
//!
//! ```
//! # nn::network! {
//! #     pub network Digits {
//! #         input image: [1, 4, 4];
//! #         target label: class(3);
//! #         logits = image >> flatten >> dense(3);
//! #         output probability = softmax(logits);
//! #         loss cross_entropy(logits, label);
//! #         metric accuracy(logits, label);
//! #         optimizer adam(learning_rate = 1e-2);
//! #     }
//! # }
//! # fn main() -> nn::Result<()> {
//! # let data = DigitsData::new(vec![[0.5; 16]; 20], (0..20).map(|i| i % 3).collect::<Vec<u32>>())?;
//! let mut net = Digits::new(&nn::Device::cpu(), 7)?;
//! let (train, test) = data.split_at(15);
//! let options = nn::Fit::default().epochs(10).validation_data(&test).quiet().on_epoch(|epoch, control| {
//!     control.learning_rate *= 0.9;
//!     control.stop = epoch.train.accuracy == 1.0;
//! });
//! let history = net.fit(&train, options)?;
//! println!("{history}"); // a line for each epoch
//!
//! let bias: Vec<f32> = net.parameter("logits.dense.bias")?;
//! net.set_parameter("logits.dense.bias", &[0.0; 3])?;
//! let gradients = net.gradients(&test)?;
//! let (by_weight, by_pixel) = (gradients.parameter("logits.dense.weight")?, gradients.input("image")?);
//! # assert_eq!((bias.len(), by_weight.len(), by_pixel.len()), (3, 48, 80));
//!
//! let mut file = Vec::new();
//! net.save_to(&mut file)?; // or save("digits.safetensors")
//! let mut copy = Digits::new(&nn::Device::cpu(), 0)?;
//! copy.load_bytes(&file)?; // or load("digits.safetensors")
//! assert_eq!(copy.predict(test.image())?, net.predict(test.image())?);
//!
//! // Known without running:
//! const BYTES: usize = Digits::memory(64);
//! println!("{}\n{} parameters, {BYTES} bytes", Digits::summary(), Digits::PARAMETERS);
//! # Ok(())
//! # }
//! ```
//!
//! Long runs are kept: checkpoints hold weights, the optimizer's state and the place in the epoch, and a run that goes on from one
//! has the bits of a run that has never stopped, whenever its process was killed. Weights of other networks, and of PyTorch, are
//! taken in part and under other names ([`Load`]):
//!
//! ```
//! # nn::network! {
//! #     pub network Digits {
//! #         input image: [1, 4, 4];
//! #         target label: class(3);
//! #         hidden = image >> flatten >> dense(8) >> relu;
//! #         logits = hidden >> dense(3);
//! #         output probability = softmax(logits);
//! #         loss cross_entropy(logits, label);
//! #         metric accuracy(logits, label);
//! #         optimizer adam(learning_rate = 1e-2);
//! #     }
//! #     network Encoder {
//! #         input image: [1, 4, 4];
//! #         stem = image >> flatten >> dense(8) >> relu;
//! #         output stem = stem;
//! #     }
//! # }
//! # fn main() -> nn::Result<()> {
//! # let data = DigitsData::new(vec![[0.5; 16]; 20], (0..20).map(|i| i % 3).collect::<Vec<u32>>())?;
//! # let folder = std::env::temp_dir().join(format!("nn-facade-runs-{}", std::process::id()));
//! let checkpoints = || {
//!     let checkpoints = nn::Checkpoints::to(&folder).every_epochs(1).every_minutes(10).keep(3);
//!     checkpoints.best(|report: &DigitsReport| report.accuracy).maximum()
//! };
//! let options = |epochs| nn::Fit::default().epochs(epochs).batch_size(8).quiet().checkpoints(checkpoints());
//! let mut net = Digits::new(&nn::Device::cpu(), 7)?;
//! net.fit(&data, options(2))?;
//! // … and after a crash, or for more epochs, from the newest checkpoint that is whole:
//! let mut net = Digits::new(&nn::Device::cpu(), 0)?;
//! let history = net.resume(&data, &folder, options(5))?;
//! assert_eq!(history.epochs[0].number, 3);
//!
//! let mut encoder = Encoder::new(&nn::Device::cpu(), 0)?;
//! let loaded = encoder.load_with(folder.join("best.safetensors"), nn::Load::partial().rename("hidden", "stem"))?;
//! println!("{loaded}"); // 2 tensors loaded; not in the network: logits.dense.bias, logits.dense.weight
//! # assert_eq!(loaded.loaded, ["stem.dense.weight", "stem.dense.bias"]);
//! # std::fs::remove_dir_all(folder).unwrap();
//! # Ok(())
//! # }
//! ```
//!
//! Several inputs and outputs, no training:
//!
//! ```
//! nn::network! {
//!     network Geometry {
//!         input a: [2];
//!         input b: [2];
//!         output sum = a + b;
//!         output dot = sum(a * b);
//!     }
//! }
//! # fn main() -> nn::Result<()> {
//! let found = Geometry::new(&nn::Device::cpu(), 0)?.predict(&[[1.0, 2.0]], &[[3.0, 4.0]])?;
//! assert_eq!(found, GeometryOutput { sum: vec![[4.0, 6.0]], dot: vec![11.0] });
//! # Ok(())
//! # }
//! ```
//!
//! # What the macro generates
//!
//! For a network `Digits` with inputs `image: [1, 28, 28]`, target `label: class(10)`, output `probability` of shape
//! `[10]`, and metric `accuracy`:
//!
//! ```text
//! pub struct Digits                                // Send + Sync
//!     const PARAMETERS: usize                      // how many numbers are trained
//!     const FLOPS_PER_SAMPLE: u64                  // forward pass
//!     const MULTIPLY_ADDS_PER_SAMPLE: u64          // of dense layers and convolutions alone
//!     const fn memory(batch: usize) -> usize       // bytes that training with this batch size is planned to take
//!     fn summary() -> &'static str                 // table of layers, shapes, parameters, FLOPs, bytes
//!     fn plan() -> &'static str                    // which op went into which kernel, where each tensor lives
//!     fn shaders() -> &'static [nn::Shader]        // name, entry point, workgroup size, bindings, WGSL text
//!
//!     fn new(&nn::Device, seed: u64) -> nn::Result<Digits>
//!     fn scratch(&self, batch: usize) -> nn::Result<usize>              // bytes that kernels take beside `memory` on this device
//!     fn predict(&self, image: &[R]) -> nn::Result<Vec<[f32; 10]>>      // R: [f32; 784] or [[[f32; 28]; 28]; 1]
//!     fn evaluate(&self, data) -> nn::Result<DigitsReport>                 // data: &DigitsData or &DigitsStream
//!     fn fit(&mut self, data, nn::Fit) -> nn::Result<nn::History<DigitsReport>>
//!     fn range_test(&mut self, data, 1e-6..1.0, steps, nn::Fit) -> nn::Result<nn::RangeTest>   // loss over learning rate
//!     fn freeze(&mut self, "stem.*"), fn unfreeze(&mut self, "*.bias")     // what training leaves as it is
//!     fn with_ema(&mut self, |net| net.evaluate(&test))                    // with averaged parameters, where the optimizer has `ema`
//!     fn train_batch(&mut self, &DigitsData) -> nn::Result<DigitsReport>   // one step on all the samples given
//!     fn evaluate_batch(&self, &DigitsData) -> nn::Result<DigitsReport>    // loss and metrics of all the samples as one batch
//!     fn forward(&self, &DigitsData) -> nn::Result<Vec<[f32; 10]>>         // outputs of a batch's inputs, as `predict`
//!     fn profile(&mut self, &DigitsData, steps) -> nn::Result<nn::Profile> // time by kernel and layer, beside measured peaks
//!     fn gradients(&self, &DigitsData) -> nn::Result<nn::Gradients>        // of parameters and inputs, by name
//!
//!     fn save(&self, path), save_to(&self, writer)                         // safetensors, PyTorch's names and layouts
//!     fn load(&mut self, path), load_from(&mut self, reader), load_bytes(&mut self, &[u8])
//!     fn load_with(&mut self, path, nn::Load) -> nn::Result<nn::Loaded>    // in part, under other names, from PyTorch
//!     fn save_checkpoint(&self, path), load_checkpoint(&mut self, path)    // and all else that training changes
//!     fn resume(&mut self, data, folder or file, nn::Fit)                  // goes on with a run, bit for bit
//!     fn export_onnx(&self, path)                                          // with the feature `onnx`
//!     fn parameters(&self) -> impl Iterator<Item = nn::ParameterInfo>      // name and dims
//!     fn parameter(&self, name) -> nn::Result<Vec<f32>>
//!     fn set_parameter(&mut self, name, &[f32]) -> nn::Result<()>
//!     fn learning_rate(&self) -> f32, set_learning_rate(&mut self, f32) -> nn::Result<()>
//!     fn steps(&self) -> u64, seed(&self) -> u64, device(&self) -> &nn::Device
//!
//! pub struct DigitsData                            // inputs and targets, on the heap
//!     fn new(image, label) -> nn::Result<DigitsData>     // each a Vec, slice, boxed slice or array of samples,
//!                                                        // an nn::Column made from flat numbers or a reader,
//!                                                        // or nn::data::Samples of files
//!     fn len(&self), is_empty(&self), split_at(&self, n) -> (DigitsData, DigitsData), slice(&self, range) -> DigitsData
//!     fn image(&self) -> &[[[[f32; 28]; 28]; 1]], fn label(&self) -> Vec<u32>
//!                                                        // a field with the name of a method gets an underscore
//!     fn with_sample_weights(self, &[f32]) -> nn::Result<DigitsData>     // where the loss has `sample_weight`; DigitsStream, too
//!
//! pub struct DigitsStream                          // inputs and targets, read while they are needed
//!     fn new(image, label) -> nn::Result<DigitsStream>   // as for DigitsData
//!     fn len(&self), is_empty(&self), split_at(&self, n) -> (DigitsStream, DigitsStream), slice(&self, range) -> DigitsStream
//!     fn read(&self) -> nn::Result<DigitsData>           // all samples, without augmentation
//!
//! pub struct DigitsReport { pub loss: f64, pub accuracy: f64 }             // Display
//! ```
//!
//! With several inputs, `predict` takes them in the order of declaration; with several outputs, it returns
//! `DigitsOutput { probability: Vec<…>, … }`. A network without `loss` has only what prediction needs; one without
//! `optimizer` has no `fit` and no `train_batch`.
//!
//! # Cargo features
//!
//! - `gpu` (on by default): Vulkan, Metal and DX12 through wgpu.
//! - `images`: in [`data`], folders of png and jpeg images.
//! - `csv`: in [`data`], tables.
//! - `npy`: in [`data`], NumPy's arrays and archives of them.
//! - `onnx`: networks write themselves as ONNX, `net.export_onnx(path)`.
//! - `pictures`: pictures of runs and networks as SVG and PNG, and the HTML report of a run.
//! - `dashboard`: a run on the whole terminal.

pub mod language;

/// Declares networks.
///
/// ```
/// nn::network! {
///     /// Doc comments become the docs of the generated type.
///     pub network Digits {
///         const CLASSES = 10;                       // known while expanding: an integer or a float expression
///
///         input  image: [1, 28, 28];                // one sample, f32; the batch is never written
///         target label: class(CLASSES);             // an integer below 10; `[n]` would be n floats
///
///         block hidden(x, features, p = 0.1) {      // reusable for every shape; the last expression is its value
///             x >> dense(features) >> relu >> dropout(p)
///         }
///
///         body   = image >> flatten >> hidden(128) >> hidden(64, p = 0.2);
///         logits = body >> dense(CLASSES);
///
///         output    probability = softmax(logits);
///         loss      cross_entropy(logits, label) + 1e-4 * sum(square(body));
///         metric    accuracy(logits, label);
///         optimizer adam(learning_rate = 1e-3);
///     }
/// }
/// ```
///
/// # Statements
///
/// - `const NAME = expression;` is a number, `true` or `false`.
/// - `input name: type;` and `target name: type;` are what comes from outside: `[dims]` is f32 (`[]` a scalar), `class(n)` an
///   integer below n, `class(n)[dims]` a tensor of them.
/// - `block name(parameters) { … }` is a function of tensors and constants; parameters may have defaults and are passed by
///   position or by name. A block sees nothing of its surroundings but what it is passed. Its last expression is its
///   value; `(a, b)` returns several, which `(a, b) = name(…);` takes. A parameter `body: block` is a block itself.
/// - `shared block name(parameters) { … }` is a block whose parameters exist once: each application uses the same ones.
/// - `scan name(step in sequence, state = beginning) { … }` is a loop over a sequence, with a body of your own: see
///   [`language::scan`], and below.
/// - `name = expression;` names a value. Names are declared before they are used, and once.
/// - `output name = expression;` is something that `predict` returns.
/// - `loss expression;` is any scalar, at most once. A network without it is for inference only.
/// - `metric expression;` or `metric name = expression;` is something that `evaluate` reports.
/// - `optimizer rule(options);` is how parameters are updated. Without it there are gradients, and no training. With
///   `skip_non_finite = true`, a step with a gradient that is infinite or NaN changes nothing.
///   `groups = [group("*.bias", weight_decay = 0.0)]`, some parameters have options of their own ([`language::group`]). With
///   `ema = 0.999` it keeps a running average of all parameters, of which each update leaves so much, in PyTorch's formula
///   (`AveragedModel` with `get_ema_multi_avg_fn`, whose first average is the parameters after the first update);
///   `net.with_ema(|net| net.evaluate(&test))` looks at the network with it, or saves it.
/// - `precision mixed;` rounds what dense layers, convolutions and matrix products read to f16, stores it so on GPUs, and scales the
///   loss; see [`language::mixed`]. `precision full;` is what networks do that say nothing.
/// - `stepwise name, …;` says that these inputs may also arrive one row of their first axis at a time: `net.stepwise(batch)` then predicts
///   step by step; see [`language::stepwise`], and below.
/// - `crate = path;` before everything else is the path of this crate, where it has another name.
///
/// One `network!` may hold several networks, and the blocks that they share.
///
/// # Expressions
///
/// - `x >> f(a, b)` is `f(x, a, b)`. All functions are in [`language`]; options are named and default to PyTorch's.
/// - `+ - * /` and the unary minus work elementwise and broadcast as in NumPy. Losses and metrics never broadcast.
/// - Axes count per sample: 0 is the first one after the batch, -1 the last. Nothing crosses samples but batch normalization
///   and the mean of the loss, over the samples that are really there.
/// - `if condition { … } else { … }` decides by constants while compiling; only the branch that is taken is looked at. Conditions
///   are made of comparisons, `&&`, `||`, `!`, `true`, `false` and constants; [`dim(x, axis)`](language::dim) is the size of an
///   axis. The braces hold statements and a value, like a block's.
/// - [`x >> repeat(n, f)`](language::repeat) applies a block `n` times, each time with parameters of its own.
///
/// # Blocks of blocks
///
/// What may stand right of `>>` may be passed to a block, and to `repeat`: a name (`relu`), or a call without its first argument
/// (`bottleneck(64)`); or else a closure, `|x| x >> dense(8) >> relu`, which sees the names around it. In `repeat`, a closure
/// may take the index, too, which counts from 0: `|x, i| …`.
///
/// ```
/// nn::network! {
///     block residual(x, features, wide = false) {
///         skipped = if dim(x, 0) == features { x } else { x >> dense(features, bias = false) };
///         inner = x >> dense(if wide { 4 * features } else { features }) >> relu;
///         skipped + (inner >> dense(features))
///     }
///     block stage(x, n, features, activation: block = relu) {
///         x >> repeat(n, |x, i| x >> residual(features, wide = i == 0) >> activation)
///     }
///     shared block encode(x) {
///         x >> dense(32) >> stage(2, 32) >> stage(3, 16, activation = leaky_relu(negative_slope = 0.1))
///     }
///     /// Whether two vectors are of one kind: a siamese pair.
///     pub network Siamese {
///         input  left: [8];
///         input  right: [8];
///         target same: class(2);
///
///         near = abs((left >> encode) - (right >> encode)) >> dense(1) >> reshape([]);
///
///         output    probability = sigmoid(near);
///         loss      binary_cross_entropy_with_logits(near, same);
///         optimizer adam;
///     }
/// }
/// # fn main() -> nn::Result<()> {
/// let net = Siamese::new(&nn::Device::cpu(), 7)?;
/// let names: Vec<&str> = net.parameters().map(|p| p.name).collect();
/// assert_eq!(names[..4], ["encode.dense.weight", "encode.dense.bias", "encode.0.inner.dense.weight", "encode.0.inner.dense.bias"]);
/// assert!(names.contains(&"encode.0.skipped.dense.weight") && names.contains(&"near.dense.weight"));
/// # Ok(())
/// # }
/// ```
///
/// # Sequences
///
/// Sequences are `[length, features]`. [`rnn`](language::rnn), [`lstm`](language::lstm) and [`gru`](language::gru) give their results at
/// all steps, and the states behind the last one as `y.h` and `y.c`. A `scan` is such a layer with a body of your own, whose gradient through
/// time is derived. Both are loops: a sequence of 512 steps has as many kernels as one of 8.
///
/// ```
/// nn::network! {
///     pub network Reader {
///         input  past: [32, 4];
///         target next: [4];
///
///         read = past >> lstm(16, layers = 2, dropout = 0.1);
///         scan weighed(r in read, total = zeros(4), seen = 0.0) {    // a state keeps its shape from step to step
///             weight = r >> dense(1) >> sigmoid >> reshape([]);
///             seen = seen + weight;                               // what follows reads the new value
///             total = total + weight * dense(r, 4);
///             total / (seen + 1e-3)                               // the value of this step
///         }
///         output    values = weighed;                             // [32, 4]
///         loss      mse(weighed >> last, next);
///         optimizer adam(clip_norm = 1.0);
///     }
/// }
/// # fn main() -> nn::Result<()> {
/// let mut net = Reader::new(&nn::Device::cpu(), 1)?;
/// let names: Vec<&str> = net.parameters().map(|p| p.name).collect();
/// assert!(names.contains(&"read.lstm.weight_hh_l1") && names.contains(&"weighed.weight.dense.weight"));
/// let data = ReaderData::new(vec![[[0.5; 4]; 32]; 8], vec![[0.5; 4]; 8])?;
/// let history = net.fit(&data, nn::Fit::default().epochs(20).batch_size(4).quiet())?;
/// assert!(history.step_losses.last() < history.step_losses.first());
/// assert_eq!(net.predict(&[[[0.5; 4]; 32]])?[0].len(), 32);
/// # Ok(())
/// # }
/// ```
///
/// ## Step by step
///
/// With `stepwise`, a network that learns from whole sequences also predicts one position after another, as text is written or a
/// sensor is read. The same declaration, the same weights: what each position needs of those before it is found by the compiler, and kept. That
/// is the state of a recurrent layer or scan, the last rows before a causal convolution, keys and values of causal attention. What each
/// step gives is what `predict` gives at that position. [`Sampler`] draws the next token from its scores.
///
/// ```
/// nn::network! {
///     pub network Writer {
///         input  letters: class(27)[16];
///         target next: class(27)[16];
///
///         read   = letters >> embedding(12) >> position_embedding;
///         seen   = read >> transformer_encoder_layer(2, feedforward = 24, causal = true);
///         scores = seen >> linear(27);
///         output    likely = scores;
///         loss      cross_entropy(scores, next);
///         optimizer adam;
///         stepwise  letters;
///     }
/// }
/// # fn main() -> nn::Result<()> {
/// let net = Writer::new(&nn::Device::cpu(), 1)?;
/// let mut steps = net.stepwise(1)?;                               // one text at a time
/// let mut sampler = nn::Sampler::new(42).temperature(0.8).top_k(10);
/// let mut text = vec![3];
/// while text.len() < 16 {
///     let likely = steps.step(&text[text.len() - 1..])?;          // [[f32; 27]]
///     text.push(sampler.sample(&likely[0])?);
/// }
/// assert_eq!((steps.position(), steps.limit()), (15, Some(16)));
/// steps.reset();                                                  // a new text
/// # Ok(())
/// # }
/// ```
///
/// A network in which a position depends on later ones has no steps: that is a compile error, which names the layer.
///
/// # Names of parameters
///
/// A parameter is called after its statement, then, for each block that it is in, after the binding inside, and for each
/// `repeat` after the index, then after its layer, then its tensor: `stage.2.body.dense.weight`. A second layer of a kind within
/// one path is `dense_1`. `name = "…"` on a layer fixes its name. The parameters of a shared block are called after the block
/// instead of the statement: `encode.dense.weight`. Layouts are PyTorch's, so that a `state_dict` saved as safetensors loads
/// after a renaming.
pub use nn_macros::network;
#[cfg(feature = "dashboard")]
pub use nn_runtime::Dashboard;
pub use nn_runtime::plan;
pub use nn_runtime::{
    Batch, Batches, Callback, Checkpoints, Column, ConfusionMatrix, Control, CsvLog, Dataset, Device, EarlyStopping,
    Epoch, Error, Event, Fit, Gradients, History, IntoColumn, JsonLines, KernelTime, LearningRate, Load, Loaded,
    Memory, NonFinite, Numbers, OnNonFinite, ParameterInfo, PrCurve, RangeTest, ReduceOnPlateau, Result, RocCurve, Row,
    Sampler, Shader, Stopped, Verbosity, ctc_greedy, data,
};
#[cfg(feature = "pictures")]
pub use nn_runtime::{HtmlReport, Picture, pictures};
pub use nn_runtime::{KernelProfile, Peak, Profile, TensorBoard};

pub use nn_runtime::{DeviceClass, DeviceFeature, Variant};

/// The `wgpu` that GPU devices are made with, for [`Device::from_wgpu`].
#[cfg(feature = "gpu")]
pub use nn_runtime::wgpu;

/// What generated code refers to. No part of the public interface: it changes whenever the macro does.
#[doc(hidden)]
pub use nn_runtime::private as __private;
