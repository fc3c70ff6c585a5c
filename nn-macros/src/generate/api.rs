//! The types that a network consists of for its user, and their methods.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use super::report::MetricField;
use super::samples::Sample;
use super::stepwise::Stepwise;
use crate::checked::{Header, Name};

/// Everything the generated types depend on.
pub(super) struct Api<'a> {
    pub(super) header: &'a Header,
    /// Inputs, then targets.
    pub(super) fields: Vec<Field<'a>>,
    pub(super) inputs: usize,
    pub(super) outputs: Vec<Output<'a>>,
    pub(super) metrics: Vec<MetricField>,
    pub(super) loss: bool,
    /// Whether samples can count differently.
    pub(super) weighted: bool,
    pub(super) optimizer: bool,
    /// Whether batches go on where those before have ended.
    pub(super) stateful: bool,
    /// The program for one step, if there is one.
    pub(super) stepwise: Option<Stepwise>,
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

/// The place of a field's declaration, which errors about its samples then show.
pub(super) fn here(field: &Field<'_>) -> Span {
    Span::call_site().located_at(field.name.ident.span())
}

/// What a function with so many arguments needs so that no linter counts them: a network has as many inputs as it has.
pub(super) fn many_arguments(count: usize) -> TokenStream {
    /// What clippy allows by default.
    const USUAL: usize = 7;
    if count > USUAL { quote!(#[allow(clippy::too_many_arguments)]) } else { TokenStream::new() }
}

impl Api<'_> {
    /// All of it.
    pub(super) fn tokens(&self) -> TokenStream {
        let Header { name, attributes, visibility, path } = self.header;
        let types = [self.data_types(), self.output_type(), self.report_type(), self.steps_types()];
        let impls = [
            self.constants(),
            self.common(),
            self.predict(),
            self.training(),
            self.stateful(),
            self.data_impl(),
            self.report_impl(),
            self.steps_impl(),
        ];
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
    pub(super) fn private(&self) -> TokenStream {
        let path = &self.header.path;
        quote!(#path::__private)
    }

    pub(super) fn data_name(&self) -> Ident {
        format_ident!("{}Data", self.header.name)
    }

    pub(super) fn stream_name(&self) -> Ident {
        format_ident!("{}Stream", self.header.name)
    }

    pub(super) fn report_name(&self) -> Ident {
        format_ident!("{}Report", self.header.name)
    }

    pub(super) fn output_name(&self) -> Ident {
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
        let memory = format!(
            "Bytes of device memory that the plan gives out: {what} with batches of this size. Neither data nor `scratch` are counted."
        );
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

                /// Bytes that the kernels of a training step over so many samples take for themselves, beside `memory`: on the CPU
                /// scratch of products and convolutions for as many threads as there are, on a GPU none.
                ///
                /// # Errors
                /// If there is no memory for a batch of this size.
                pub fn scratch(&self, batch: usize) -> #nn::Result<usize> {
                    self.net.scratch(batch)
                }

                /// The seed it was made with.
                #[must_use]
                pub fn seed(&self) -> u64 {
                    self.net.seed()
                }

                /// Names and shapes of all parameters, in order of declaration.
                #[doc(alias = "named_parameters")]
                pub fn parameters(&self) -> impl ::core::iter::ExactSizeIterator<Item = #nn::ParameterInfo> + use<> {
                    self.net.parameters()
                }

                /// A parameter's numbers, row-major.
                ///
                /// # Errors
                /// If there is no such parameter, or if the device fails.
                #[doc(alias = "get_parameter")]
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
                #[doc(alias = "state_dict")]
                #[doc(alias = "save_weights")]
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
                #[doc(alias = "load_state_dict")]
                #[doc(alias = "load_weights")]
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
