//! Prediction, and what it returns.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::api::{Api, Output, here, many_arguments};
use super::samples::Sample;
use crate::checked::Name;

impl Api<'_> {
    pub(super) fn predict(&self) -> TokenStream {
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
        // Parameters of their own hygiene: an input may have an output's name.
        let rooms: Vec<Ident> =
            self.outputs.iter().map(|o| Ident::new(&o.name.ident.to_string(), Span::mixed_site())).collect();
        let (result, value, predicted, doc) = match &self.outputs[..] {
            [output] => {
                let (nested, room) = (&output.sample.nested, &rooms[0]);
                let doc = format!("`{}` for each sample, any number of them.", output.name.ident);
                (quote!(::std::vec::Vec<#nested>), take(output), quote!(#room), doc)
            }
            outputs => {
                let (result, names) = (self.output_name(), outputs.iter().map(|o| &o.name.ident));
                let (values, names_again) = (outputs.iter().map(take), names.clone());
                (
                    quote!(#result),
                    quote!(#result { #(#names: #values),* }),
                    quote!(#result { #(#names_again: #rooms),* }),
                    "All outputs for each sample, any number of them.".to_owned(),
                )
            }
        };
        let room_rows: Vec<Ident> = (0..rooms.len()).map(|i| format_ident!("Room{i}")).collect();
        let room_bounds: Vec<TokenStream> = (self.outputs.iter().zip(&room_rows))
            .map(|(output, row)| {
                let Sample { size, nested, .. } = &output.sample;
                quote!(#row: #nn::Row<f32, #size, #nested>)
            })
            .collect();
        let (mut makes, mut fills, mut writes) = (vec![], vec![], vec![]);
        for (output, room) in self.outputs.iter().zip(&rooms) {
            let Sample { size, nested, .. } = &output.sample;
            makes.push(quote!(let mut #room = #nn::room::<#size, #nested>(samples)?;));
            fills.push(quote!(#nn::rows_mut::<#size, #nested, _>(&mut #room)));
            writes.push(quote!(#nn::rows_mut::<#size, #nested, _>(#room)));
        }
        let forward = self.loss.then(|| {
            let data = self.data_name();
            quote! {
                /// The outputs for the samples of a batch: what [`Self::predict`] gives for its inputs, in inference (without dropout, with
                /// running statistics). Targets do not matter.
                ///
                /// # Errors
                /// If the device fails.
                #[doc(alias = "call")]
                pub fn forward(&self, batch: &#data) -> #nn::Result<#result> {
                    let mut outputs = self.net.forward(&batch.set)?.into_iter();
                    ::core::result::Result::Ok(#value)
                }
            }
        });
        let (all_bounds, all_reads): (Vec<_>, Vec<_>) = (bounds.collect(), reads.collect());
        let count = all_reads.len();
        let (many, many_into) = (many_arguments(1 + names.len()), many_arguments(1 + names.len() + rooms.len()));
        quote! {
            impl #name {
                #[doc = #doc]
                ///
                /// May run from many threads at once.
                ///
                /// # Errors
                /// If the inputs differ in their number of samples, if a class index is out of range, or if the device
                /// fails.
                #[doc(alias = "forward")]
                #many
                pub fn predict<#(#rows),*>(&self, #(#names: &[#rows]),*) -> #nn::Result<#result>
                where
                    #(#all_bounds,)*
                {
                    #unread
                    let inputs: [#nn::Input<'_>; #count] = [#(#all_reads),*];
                    let samples = self.net.samples(&inputs)?;
                    #(#makes)*
                    self.net.predict_into(&inputs, &mut [#(#fills),*])?;
                    ::core::result::Result::Ok(#predicted)
                }

                /// [`Self::predict`] into arrays that are there, as many of each output as there are samples. On the CPU it
                /// allocates nothing once as many samples have been predicted before.
                ///
                /// # Errors
                /// As [`Self::predict`], and if there is room for another number of samples.
                #many_into
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

                #forward
            }
        }
    }

    /// `DigitsOutput`, where there are several outputs.
    pub(super) fn output_type(&self) -> TokenStream {
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
}
