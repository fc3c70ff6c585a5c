//! The types that a network consists of for its user, and their methods.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::samples::Sample;
use crate::checked::{Header, Name};

/// Everything the generated types depend on.
pub(super) struct Api<'a> {
    pub(super) header: &'a Header,
    /// Inputs, then targets.
    pub(super) fields: Vec<Field<'a>>,
    pub(super) inputs: usize,
    pub(super) outputs: Vec<Output<'a>>,
    pub(super) metrics: Vec<Ident>,
    pub(super) loss: bool,
    pub(super) optimizer: bool,
    pub(super) numbers: Numbers,
    /// What is in the generated module.
    pub(super) tables: TokenStream,
    pub(super) words: &'a [Ident],
    pub(super) unused: &'a [Ident],
    pub(super) summary: String,
    pub(super) plan: String,
}

/// An input or a target.
pub(super) struct Field<'a> {
    pub(super) name: &'a Name,
    /// `None` where the declaration has a mistake: everything fits it.
    pub(super) sample: Option<Sample>,
}

/// Something that `predict` returns.
pub(super) struct Output<'a> {
    pub(super) name: &'a Name,
    pub(super) sample: Sample,
}

/// What is known without running.
#[derive(Default)]
pub(super) struct Numbers {
    pub(super) parameters: usize,
    pub(super) flops_per_sample: u64,
    pub(super) multiply_adds_per_sample: u64,
    /// Vectors of all parameters' length that training keeps.
    pub(super) vectors: usize,
    pub(super) parameter_floats: usize,
    pub(super) fixed_floats: usize,
    pub(super) sample_floats: usize,
}

/// Methods of the generated data type: a field of this name gets an underscore.
const METHODS: [&str; 8] = ["new", "len", "is_empty", "slice", "split_at", "clone", "fmt", "data"];

/// The place of a field's declaration, which errors about its samples then show.
fn here(field: &Field<'_>) -> Span {
    Span::call_site().located_at(field.name.ident.span())
}

impl Api<'_> {
    /// All of it.
    pub(super) fn tokens(&self) -> TokenStream {
        let Header { name, attributes, visibility, path } = self.header;
        let types = [self.data_types(), self.output_type(), self.report_type()];
        let impls =
            [self.constants(), self.common(), self.predict(), self.training(), self.data_impl(), self.report_impl()];
        let tables = &self.tables;
        let mentions = self.mentions();
        quote! {
            #(#attributes)*
            #[derive(::core::fmt::Debug)]
            #visibility struct #name {
                net: #path::__private::Net,
            }
            #(#types)*
            const _: () = {
                #[allow(warnings, clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction)]
                mod __nn_program {
                    use #path::__private::{self as __nn, cpu};
                    #tables
                }
                #(#impls)*
                #mentions
            };
        }
    }

    /// The path of what generated code refers to.
    fn private(&self) -> TokenStream {
        let path = &self.header.path;
        quote!(#path::__private)
    }

    fn data_name(&self) -> Ident {
        format_ident!("{}Data", self.header.name)
    }

    fn stream_name(&self) -> Ident {
        format_ident!("{}Stream", self.header.name)
    }

    fn report_name(&self) -> Ident {
        format_ident!("{}Report", self.header.name)
    }

    fn output_name(&self) -> Ident {
        format_ident!("{}Output", self.header.name)
    }

    /// The constants and the texts.
    fn constants(&self) -> TokenStream {
        let (name, nn) = (&self.header.name, self.private());
        let Numbers {
            parameters,
            flops_per_sample,
            multiply_adds_per_sample,
            vectors,
            parameter_floats,
            fixed_floats,
            sample_floats,
        } = self.numbers;
        let (summary, plan) = (&self.summary, &self.plan);
        let what = if self.optimizer {
            "Training"
        } else if self.loss {
            "Taking gradients"
        } else {
            "Prediction"
        };
        let memory = format!("Bytes of device memory: {what} with batches of this size, data not counted.");
        quote! {
            impl #name {
                /// How many numbers are trained.
                pub const PARAMETERS: usize = #parameters;
                /// Floating-point operations of one sample's forward pass; a multiply-add counts as two.
                pub const FLOPS_PER_SAMPLE: u64 = #flops_per_sample;
                /// Multiply-adds of one sample's dense layers and convolutions, forward: the number that papers give.
                pub const MULTIPLY_ADDS_PER_SAMPLE: u64 = #multiply_adds_per_sample;

                #[doc = #memory]
                #[must_use]
                pub const fn memory(batch: usize) -> usize {
                    #nn::memory(#vectors, #parameter_floats, #fixed_floats, #sample_floats, batch)
                }

                /// A table of the layers: output shapes, parameters, FLOPs; and memory for a batch of 64.
                #[must_use]
                pub fn summary() -> &'static str {
                    #summary
                }

                /// The plan as text: which operation went into which kernel, and where each tensor lives.
                #[must_use]
                pub fn plan() -> &'static str {
                    #plan
                }

                /// The GPU's kernels, in order of dispatch: those of `predict`, `evaluate`, `train` and `gradients`.
                #[must_use]
                pub fn shaders() -> &'static [#nn::Shader] {
                    __nn_program::SHADERS
                }
            }
        }
    }

    /// What every network can do.
    fn common(&self) -> TokenStream {
        let (name, nn) = (&self.header.name, self.private());
        quote! {
            impl ::core::convert::AsRef<#nn::Net> for #name {
                fn as_ref(&self) -> &#nn::Net {
                    &self.net
                }
            }

            impl #name {
                /// A new network on this device; the seed decides about its first weights and everything random after.
                ///
                /// # Errors
                /// If the network does not fit the device.
                pub fn new(device: &#nn::Device, seed: u64) -> #nn::Result<Self> {
                    ::core::result::Result::Ok(Self { net: #nn::Net::new(device, &__nn_program::PROGRAM, seed)? })
                }

                /// Where it lives.
                #[must_use]
                pub fn device(&self) -> &#nn::Device {
                    self.net.device()
                }

                /// The seed it was made with.
                #[must_use]
                pub fn seed(&self) -> u64 {
                    self.net.seed()
                }

                /// Names and shapes of all parameters, in order of declaration.
                pub fn parameters(&self) -> impl ::core::iter::ExactSizeIterator<Item = #nn::ParameterInfo> + use<> {
                    self.net.parameters()
                }

                /// A parameter's numbers, row-major.
                ///
                /// # Errors
                /// If there is no such parameter, or if the device fails.
                pub fn parameter(&self, name: &str) -> #nn::Result<::std::vec::Vec<f32>> {
                    self.net.parameter(name)
                }

                /// Overwrites a parameter. The optimizer's state stays.
                ///
                /// # Errors
                /// If there is no such parameter, if it has another size, or if the device fails.
                pub fn set_parameter(&mut self, name: &str, values: &[f32]) -> #nn::Result<()> {
                    self.net.set_parameter(name, values)
                }

                /// Saves all parameters as safetensors, with PyTorch's names and layouts. The file is written whole or
                /// not at all.
                ///
                /// # Errors
                /// If the file cannot be written, or if the device fails.
                pub fn save(&self, path: impl ::core::convert::AsRef<::std::path::Path>) -> #nn::Result<()> {
                    self.net.save(path.as_ref())
                }

                /// Saves to any writer; see [`Self::save`].
                ///
                /// # Errors
                /// If writing fails, or if the device does.
                pub fn save_to(&self, mut writer: impl ::std::io::Write) -> #nn::Result<()> {
                    self.net.save_to(&mut writer)
                }

                /// Loads all parameters, from a file of `save`, from a checkpoint, or from a `state_dict` of PyTorch. Training
                /// then starts over: the optimizer's state is that of a new network. A `state_dict` may have
                /// `num_batches_tracked` beside the running statistics of a batch norm; it is left out.
                ///
                /// # Errors
                /// If the file cannot be read, or if it does not fit in every tensor; the network is then as it was.
                pub fn load(&mut self, path: impl ::core::convert::AsRef<::std::path::Path>) -> #nn::Result<()> {
                    self.net.load(path.as_ref())
                }

                /// Loads from any reader; see [`Self::load`].
                ///
                /// # Errors
                /// If reading fails, or if the file does not fit in every tensor; the network is then as it was.
                pub fn load_from(&mut self, mut reader: impl ::std::io::Read) -> #nn::Result<()> {
                    self.net.load_from(&mut reader)
                }

                /// Loads from bytes, as `include_bytes!` gives them; see [`Self::load`].
                ///
                /// # Errors
                /// If the file does not fit in every tensor; the network is then as it was.
                pub fn load_bytes(&mut self, bytes: &[u8]) -> #nn::Result<()> {
                    self.net.load_bytes(bytes)
                }

                /// Loads what a file of another network has, or of PyTorch: in part, or under other names, as `load` says.
                /// Training then starts over.
                ///
                /// # Errors
                /// If the file cannot be read, or if it does not fit; the network is then as it was.
                pub fn load_with(
                    &mut self,
                    path: impl ::core::convert::AsRef<::std::path::Path>,
                    load: #nn::Load,
                ) -> #nn::Result<#nn::Loaded> {
                    self.net.load_with(path.as_ref(), &load)
                }
            }
        }
    }

    fn predict(&self) -> TokenStream {
        let (name, nn) = (&self.header.name, self.private());
        let inputs = &self.fields[..self.inputs.min(self.fields.len())];
        let rows: Vec<Ident> = (0..inputs.len()).map(|i| format_ident!("Row{i}")).collect();
        let names: Vec<&Ident> = inputs.iter().map(|f| &f.name.ident).collect();
        let bounds = inputs.iter().zip(&rows).filter_map(|(field, row)| {
            let arguments = field.sample.as_ref()?.arguments();
            Some(quote_spanned!(here(field)=> #row: #nn::Row<#arguments>))
        });
        let reads = inputs.iter().zip(&names).filter_map(|(field, name)| {
            let arguments = field.sample.as_ref()?.arguments();
            Some(quote!(#nn::rows::<#arguments, _>(#name)))
        });
        let unread: TokenStream = (inputs.iter().zip(&names))
            .filter(|(f, _)| f.sample.is_none())
            .map(|(_, name)| quote!(let _ = #name;))
            .collect();
        let take = |output: &Output<'_>| {
            let Sample { size, .. } = &output.sample;
            quote!(#nn::floats::<#size, _>(&outputs.next().unwrap_or_default()))
        };
        let (result, value, doc) = match &self.outputs[..] {
            [output] => {
                let nested = &output.sample.nested;
                let doc = format!("`{}` for each sample, any number of them.", output.name.ident);
                (quote!(::std::vec::Vec<#nested>), take(output), doc)
            }
            outputs => {
                let (result, names) = (self.output_name(), outputs.iter().map(|o| &o.name.ident));
                let values = outputs.iter().map(take);
                (
                    quote!(#result),
                    quote!(#result { #(#names: #values),* }),
                    "All outputs for each sample, any number of them.".to_owned(),
                )
            }
        };
        // Parameters of their own hygiene: an input may have an output's name.
        let rooms: Vec<Ident> =
            self.outputs.iter().map(|o| Ident::new(&o.name.ident.to_string(), Span::mixed_site())).collect();
        let room_rows: Vec<Ident> = (0..rooms.len()).map(|i| format_ident!("Room{i}")).collect();
        let room_bounds: Vec<TokenStream> = (self.outputs.iter().zip(&room_rows))
            .map(|(output, row)| {
                let Sample { size, nested, .. } = &output.sample;
                quote!(#row: #nn::Row<f32, #size, #nested>)
            })
            .collect();
        let writes = self.outputs.iter().zip(&rooms).map(|(output, room)| {
            let Sample { size, nested, .. } = &output.sample;
            quote!(#nn::rows_mut::<#size, #nested, _>(#room))
        });
        let (all_bounds, all_reads): (Vec<_>, Vec<_>) = (bounds.collect(), reads.collect());
        quote! {
            impl #name {
                #[doc = #doc]
                ///
                /// May run from many threads at once.
                ///
                /// # Errors
                /// If the inputs differ in their number of samples, if a class index is out of range, or if the device
                /// fails.
                pub fn predict<#(#rows),*>(&self, #(#names: &[#rows]),*) -> #nn::Result<#result>
                where
                    #(#all_bounds,)*
                {
                    #unread
                    let mut outputs = self.net.predict(&[#(#all_reads),*])?.into_iter();
                    ::core::result::Result::Ok(#value)
                }

                /// [`Self::predict`] into arrays that are there, as many of each output as there are samples. On the CPU it
                /// allocates nothing once as many samples have been predicted before.
                ///
                /// # Errors
                /// As [`Self::predict`], and if there is room for another number of samples.
                pub fn predict_into<#(#rows,)* #(#room_rows),*>(
                    &self,
                    #(#names: &[#rows],)*
                    #(#rooms: &mut [#room_rows]),*
                ) -> #nn::Result<()>
                where
                    #(#all_bounds,)*
                    #(#room_bounds,)*
                {
                    #unread
                    self.net.predict_into(&[#(#all_reads),*], &mut [#(#writes),*])
                }
            }
        }
    }

    /// What networks with a loss, or with an optimizer, can do.
    fn training(&self) -> TokenStream {
        if !self.loss {
            return TokenStream::new();
        }
        let (name, nn) = (&self.header.name, self.private());
        let (data, stream, report) = (self.data_name(), self.stream_name(), self.report_name());
        let fit_doc = format!("Trains over epochs, on a [`{data}`] or a [`{stream}`].");
        let evaluate_doc = format!("The loss and every metric over a [`{data}`] or a [`{stream}`].");
        let optimizer = self.optimizer.then(|| {
            quote! {
                #[doc = #fit_doc]
                ///
                /// # Errors
                /// If an option makes no sense, if there are no samples, if one cannot be read, or if the device fails.
                pub fn fit<D: #nn::Dataset<Report = #report>>(
                    &mut self,
                    data: &D,
                    fit: #nn::Fit<'_, #report>,
                ) -> #nn::Result<#nn::History<#report>> {
                    self.net.fit(data, fit)
                }

                /// Trains for so many steps with a learning rate that rises from one end of the range to the other, and puts
                /// everything back as it was: `net.range_test(&data, 1e-6..1.0, 200, nn::Fit::default().batch_size(64))`. Of the
                /// options, those of batches and threads count.
                ///
                /// # Errors
                /// If the range or an option makes no sense, if there are no samples, or if the device fails.
                pub fn range_test<D: #nn::Dataset<Report = #report>>(
                    &mut self,
                    data: &D,
                    rates: ::core::ops::Range<f64>,
                    steps: usize,
                    fit: #nn::Fit<'_, #report>,
                ) -> #nn::Result<#nn::RangeTest> {
                    self.net.range_test(data, rates, steps, fit)
                }

                /// Goes on with a run of [`Self::fit`] from a checkpoint, or from the newest one of a folder, as if the run had
                /// never stopped: with the same bits, in the middle of an epoch too. `fit` is what the run was begun with; its
                /// `epochs` counts those before.
                ///
                /// # Errors
                /// If there is no checkpoint that is whole, or if it is one of another network, other data or other options;
                /// the network is then as it was. Besides, as [`Self::fit`].
                pub fn resume<D: #nn::Dataset<Report = #report>>(
                    &mut self,
                    data: &D,
                    from: impl ::core::convert::AsRef<::std::path::Path>,
                    fit: #nn::Fit<'_, #report>,
                ) -> #nn::Result<#nn::History<#report>> {
                    self.net.resume(data, from.as_ref(), fit)
                }

                /// One training step on all the samples given. Reports the loss and every metric as they were before it.
                ///
                /// # Errors
                /// If there are no samples, or if the device fails.
                pub fn train_batch(&mut self, data: &#data) -> #nn::Result<#report> {
                    self.net.train_batch(&data.set).map(|values| #nn::Report::from_values(&values))
                }

                /// Plays training steps on all the samples given as one batch, and measures them: time by kernel and by layer,
                /// beside what the device can do at most. The network is afterwards what it was before.
                ///
                /// # Errors
                /// If there are no samples or no steps, if a GPU has no timestamps, or if the device fails.
                pub fn profile(&mut self, data: &#data, steps: usize) -> #nn::Result<#nn::Profile> {
                    self.net.profile(&data.set, steps, Self::plan(), __nn_program::TRAIN)
                }

                /// The learning rate of the next step.
                #[must_use]
                pub fn learning_rate(&self) -> f32 {
                    self.net.learning_rate()
                }

                /// Sets the learning rate of all steps to come; nothing is rebuilt.
                ///
                /// # Errors
                /// If it is negative, infinite or no number.
                pub fn set_learning_rate(&mut self, rate: f32) -> #nn::Result<()> {
                    self.net.set_learning_rate(rate)
                }

                /// Training steps so far.
                #[must_use]
                pub fn steps(&self) -> u64 {
                    self.net.steps()
                }

                /// Saves everything that training has changed as one safetensors file: weights, the optimizer's state, the
                /// seed, and where in its epoch training stands. The file is written whole or not at all.
                ///
                /// # Errors
                /// If the file cannot be written, or if the device fails.
                pub fn save_checkpoint(
                    &self,
                    path: impl ::core::convert::AsRef<::std::path::Path>,
                ) -> #nn::Result<()> {
                    self.net.save_checkpoint(path.as_ref())
                }

                /// Puts the network to where it was when the checkpoint was saved, its seed included.
                ///
                /// # Errors
                /// If the file cannot be read, or if it is no checkpoint of this network; the network is then as it was.
                pub fn load_checkpoint(
                    &mut self,
                    path: impl ::core::convert::AsRef<::std::path::Path>,
                ) -> #nn::Result<()> {
                    self.net.load_checkpoint(path.as_ref())
                }

                /// Updates by the optimizer so far: fewer than steps where the gradients of several batches made one update.
                #[must_use]
                pub fn updates(&self) -> u64 {
                    self.net.updates()
                }

                /// Freezes the parameters whose names match a pattern, in which `*` stands for any characters and `?` for one: training
                /// leaves them as they are, bit for bit, and running statistics whose names match, too. Patterns add up.
                ///
                /// # Errors
                /// If no parameter has such a name, or if the device fails.
                pub fn freeze(&mut self, pattern: &str) -> #nn::Result<()> {
                    self.net.freeze(pattern)
                }

                /// Lets training change parameters again whose names match a pattern.
                ///
                /// # Errors
                /// If no parameter has such a name, or if the device fails.
                pub fn unfreeze(&mut self, pattern: &str) -> #nn::Result<()> {
                    self.net.unfreeze(pattern)
                }

                /// The names of all frozen parameters, in order of declaration.
                #[must_use]
                pub fn frozen(&self) -> ::std::vec::Vec<&'static str> {
                    self.net.frozen()
                }
            }
        });
        quote! {
            impl #name {
                #[doc = #evaluate_doc]
                ///
                /// # Errors
                /// If there are no samples, if one cannot be read, or if the device fails.
                pub fn evaluate<D: #nn::Dataset<Report = #report>>(&self, data: &D) -> #nn::Result<#report> {
                    self.net.evaluate(data.data()).map(|values| #nn::Report::from_values(&values))
                }

                /// The loss over the data as one batch, and its gradients with respect to parameters and inputs.
                ///
                /// # Errors
                /// If there are no samples, or if the device fails.
                pub fn gradients(&self, data: &#data) -> #nn::Result<#nn::Gradients> {
                    self.net.gradients(&data.set)
                }

                #optimizer
            }
        }
    }

    /// `DigitsData` and `DigitsStream`; networks without a loss need none.
    fn data_types(&self) -> TokenStream {
        if !self.loss {
            return TokenStream::new();
        }
        let (data, stream, nn) = (self.data_name(), self.stream_name(), self.private());
        let Header { name, visibility, .. } = self.header;
        let data_doc = format!("Samples for [`{name}`], in memory: a field for each input and target.");
        let stream_doc = format!("Samples for [`{name}`] that are read while they are needed.");
        quote! {
            #[doc = #data_doc]
            #[derive(::core::fmt::Debug, ::core::clone::Clone)]
            #visibility struct #data {
                set: #nn::DataSet,
            }

            #[doc = #stream_doc]
            #[derive(::core::fmt::Debug, ::core::clone::Clone)]
            #visibility struct #stream {
                stream: #nn::Stream,
            }
        }
    }

    fn data_impl(&self) -> TokenStream {
        if !self.loss {
            return TokenStream::new();
        }
        let (data, stream, report, nn) = (self.data_name(), self.stream_name(), self.report_name(), self.private());
        let names: Vec<&Ident> = self.fields.iter().map(|f| &f.name.ident).collect();
        let columns = self.fields.iter().map(|f| match &f.sample {
            Some(sample) => {
                let arguments = sample.arguments();
                quote_spanned!(here(f)=> impl #nn::IntoColumn<#arguments>)
            }
            None => quote!(impl ::core::marker::Sized),
        });
        let columns: Vec<TokenStream> = columns.collect();
        let adds = self.fields.iter().filter_map(|f| {
            let (name, arguments) = (&f.name.ident, f.sample.as_ref()?.arguments());
            Some(quote!(.with::<#arguments>(#name)?))
        });
        let adds: TokenStream = adds.collect();
        let unread = self.fields.iter().filter(|f| f.sample.is_none()).map(|f| {
            let name = &f.name.ident;
            quote!(let _ = #name;)
        });
        let unread: TokenStream = unread.collect();
        let accessors = self.fields.iter().enumerate().filter_map(|(i, f)| {
            let Sample { size, nested, classes, .. } = f.sample.as_ref()?;
            let attributes = &f.name.attributes;
            let name = &f.name.ident;
            let text = name.to_string();
            let name = if METHODS.contains(&text.as_str()) {
                format_ident!("{name}_", span = name.span())
            } else {
                name.clone()
            };
            let doc = format!("The samples of `{text}`.");
            let (result, method) = match classes {
                true => (quote!(::std::vec::Vec<#nested>), quote!(classes)),
                false => (quote!(&[#nested]), quote!(floats)),
            };
            Some(quote! {
                #[doc = #doc]
                #(#attributes)*
                #[must_use]
                pub fn #name(&self) -> #result {
                    self.set.#method::<#size, _>(#i)
                }
            })
        });
        quote! {
            impl #data {
                /// From the samples of each input and target: each a `Vec`, slice, boxed slice or array of arrays, an
                /// `nn::Column` made from flat numbers or a reader, or `nn::data::Samples` of files.
                ///
                /// # Errors
                /// If their numbers differ, if a class index is out of range, or if samples of files cannot be read or do
                /// not fit.
                pub fn new(#(#names: #columns),*) -> #nn::Result<Self> {
                    #unread
                    ::core::result::Result::Ok(Self { set: #nn::DataSet::new(__nn_program::PROGRAM.fields) #adds })
                }

                #(#accessors)*

                /// How many samples there are.
                #[must_use]
                pub fn len(&self) -> usize {
                    self.set.len()
                }

                /// Whether there is no sample.
                #[must_use]
                pub fn is_empty(&self) -> bool {
                    self.set.is_empty()
                }

                /// The samples in the range, as far as they exist.
                #[must_use]
                pub fn slice(&self, range: impl ::core::ops::RangeBounds<usize>) -> Self {
                    Self { set: self.set.slice(range) }
                }

                /// The first `n` samples (all, if there are fewer), and the others.
                #[must_use]
                pub fn split_at(&self, n: usize) -> (Self, Self) {
                    let (first, rest) = self.set.split_at(n);
                    (Self { set: first }, Self { set: rest })
                }
            }

            impl #nn::Dataset for #data {
                type Report = #report;

                fn data(&self) -> #nn::Data<'_> {
                    #nn::Data::Memory(&self.set)
                }
            }

            impl #stream {
                /// From the samples of each input and target, as in memory; `nn::data::Samples` of files are read when
                /// they are needed, and augmented anew in each epoch.
                ///
                /// # Errors
                /// If their numbers differ, if a class index is out of range, or if samples of files do not fit.
                pub fn new(#(#names: #columns),*) -> #nn::Result<Self> {
                    #unread
                    ::core::result::Result::Ok(Self { stream: #nn::Stream::new(__nn_program::PROGRAM.fields) #adds })
                }

                /// How many samples there are.
                #[must_use]
                pub fn len(&self) -> usize {
                    self.stream.len()
                }

                /// Whether there is no sample.
                #[must_use]
                pub fn is_empty(&self) -> bool {
                    self.stream.is_empty()
                }

                /// The samples in the range, as far as they exist.
                #[must_use]
                pub fn slice(&self, range: impl ::core::ops::RangeBounds<usize>) -> Self {
                    Self { stream: self.stream.slice(range) }
                }

                /// The first `n` samples (all, if there are fewer), and the others.
                #[must_use]
                pub fn split_at(&self, n: usize) -> (Self, Self) {
                    let (first, rest) = self.stream.split_at(n);
                    (Self { stream: first }, Self { stream: rest })
                }

                /// Reads all samples into memory, without augmentation.
                ///
                /// # Errors
                /// If a sample cannot be read.
                pub fn read(&self) -> #nn::Result<#data> {
                    ::core::result::Result::Ok(#data { set: self.stream.read()? })
                }
            }

            impl #nn::Dataset for #stream {
                type Report = #report;

                fn data(&self) -> #nn::Data<'_> {
                    #nn::Data::Stream(&self.stream)
                }
            }
        }
    }

    /// `DigitsOutput`, where there are several outputs.
    fn output_type(&self) -> TokenStream {
        if self.outputs.len() == 1 {
            return TokenStream::new();
        }
        let (output, visibility) = (self.output_name(), &self.header.visibility);
        let doc = format!("What [`{}`] predicts: each output for each sample.", self.header.name);
        let fields = self.outputs.iter().map(|o| {
            let (Name { ident, attributes }, nested) = (o.name, &o.sample.nested);
            let doc = format!("`{ident}` for each sample.");
            quote! {
                #[doc = #doc]
                #(#attributes)*
                pub #ident: ::std::vec::Vec<#nested>
            }
        });
        quote! {
            #[doc = #doc]
            #[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::cmp::PartialEq)]
            #visibility struct #output {
                #(#fields,)*
            }
        }
    }

    /// `DigitsReport`.
    fn report_type(&self) -> TokenStream {
        if !self.loss {
            return TokenStream::new();
        }
        let (report, visibility) = (self.report_name(), &self.header.visibility);
        let doc = format!("How well [`{}`] does: the loss, and every metric.", self.header.name);
        let fields = self.metrics.iter().map(|name| {
            let doc = format!("The metric `{name}`, over all samples.");
            quote! {
                #[doc = #doc]
                pub #name: f64
            }
        });
        quote! {
            #[doc = #doc]
            #[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::marker::Copy, ::core::cmp::PartialEq)]
            #visibility struct #report {
                /// The mean loss over all samples.
                pub loss: f64,
                #(#fields,)*
            }
        }
    }

    fn report_impl(&self) -> TokenStream {
        if !self.loss {
            return TokenStream::new();
        }
        let (report, nn, metrics) = (self.report_name(), self.private(), &self.metrics);
        let names: Vec<String> = metrics.iter().map(|m| m.to_string().trim_start_matches("r#").to_owned()).collect();
        quote! {
            impl #nn::Report for #report {
                fn from_values(values: &[f64]) -> Self {
                    let mut values = values.iter().copied();
                    Self {
                        loss: values.next().unwrap_or_default(),
                        #(#metrics: values.next().unwrap_or_default(),)*
                    }
                }

                fn scalars(&self) -> ::std::vec::Vec<(&'static str, f64)> {
                    ::std::vec![("loss", self.loss), #((#names, self.#metrics)),*]
                }
            }

            impl ::core::fmt::Display for #report {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    #nn::display(f, &[("loss", self.loss), #((#names, self.#metrics)),*])
                }
            }
        }
    }

    /// What makes editors and lints see the user's own tokens: functions mention their documentation, and unused
    /// names are unused variables.
    fn mentions(&self) -> TokenStream {
        let (path, words, unused) = (&self.header.path, self.words, self.unused);
        let words = (!words.is_empty()).then(|| {
            quote! {
                #[allow(unused_imports)]
                use #path::language::{#(#words as _),*};
            }
        });
        let unused = (!unused.is_empty()).then(|| {
            quote! {
                #[allow(dead_code, non_snake_case, clippy::no_effect_underscore_binding)]
                fn __nn_unused() {
                    #(let #unused = 0_u8;)*
                }
            }
        });
        quote!(#words #unused)
    }
}
