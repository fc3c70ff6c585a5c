//! The types that hold samples of a network, in memory or to be read.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::api::{Api, here, many_arguments};
use super::samples::Sample;
use crate::checked::Header;

/// Methods of the generated data type: a field of this name gets an underscore.
const METHODS: [&str; 10] =
    ["new", "len", "is_empty", "slice", "split_at", "clone", "fmt", "data", "with_sample_weights", "in_streams"];

impl Api<'_> {
    /// `DigitsData` and `DigitsStream`; networks without a loss need none.
    pub(super) fn data_types(&self) -> TokenStream {
        if !self.loss {
            return TokenStream::new();
        }
        let (data, stream, nn) = (self.data_name(), self.stream_name(), self.private());
        let Header { name, visibility, .. } = self.header;
        let data_doc = format!("Samples for [`{name}`], in memory: a field for each input and target.");
        let stream_doc = format!("Samples for [`{name}`] that are read while they are needed.");
        // Who needs only one of them is not told about the other.
        quote! {
            #[doc = #data_doc]
            #[allow(dead_code)]
            #[derive(::core::fmt::Debug, ::core::clone::Clone)]
            #visibility struct #data {
                set: #nn::DataSet,
            }

            #[doc = #stream_doc]
            #[allow(dead_code)]
            #[derive(::core::fmt::Debug, ::core::clone::Clone)]
            #visibility struct #stream {
                stream: #nn::Stream,
            }
        }
    }

    pub(super) fn data_impl(&self) -> TokenStream {
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
        let many = many_arguments(names.len());
        let ones = self.weighted.then(|| quote!(.with_ones()));
        let weights = self.weighted.then(|| {
            quote! {
                /// The same samples, of which each counts as much as its number says: `sample_weight` in the network's loss and
                /// metrics. Without it, each counts 1. What `Fit::sample_weights` gives
                /// is for one run, and stands in the place of these.
                ///
                /// # Errors
                /// If there are not as many weights as samples, or if one of them is negative, infinite or no number.
            }
        });
        let [data_weights, stream_weights] = [quote!(set), quote!(stream)].map(|inner| {
            self.weighted.then(|| {
                quote! {
                    #weights
                    pub fn with_sample_weights(self, weights: &[f32]) -> #nn::Result<Self> {
                        ::core::result::Result::Ok(Self { #inner: self.#inner.with_weights(weights)? })
                    }
                }
            })
        });
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
                #many
                pub fn new(#(#names: #columns),*) -> #nn::Result<Self> {
                    #unread
                    ::core::result::Result::Ok(Self { set: #nn::DataSet::new(__nn_program::PROGRAM.fields) #adds #ones })
                }

                #(#accessors)*

                #data_weights

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
                #many
                pub fn new(#(#names: #columns),*) -> #nn::Result<Self> {
                    #unread
                    ::core::result::Result::Ok(Self { stream: #nn::Stream::new(__nn_program::PROGRAM.fields) #adds #ones })
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

                #stream_weights

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
}
