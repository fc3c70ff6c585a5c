//! Predicting step by step: the type that holds sequences on their way, and its methods.

use nn_kernels::plan::StepPlan;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::api::{Api, Field, here, many_arguments};
use super::samples::Sample;
use crate::checked::Partial;

/// What a step takes and gives.
pub(super) struct Stepwise {
    /// The inputs that arrive row by row, by number, and what one row is (`None` where the declaration has a mistake).
    inputs: Vec<(usize, Option<Sample>)>,
    /// One row of each output.
    outputs: Vec<Sample>,
    limit: Option<usize>,
}

impl Stepwise {
    pub(super) fn new(steps: &StepPlan) -> Self {
        let row = |&number: &usize| {
            let field = &steps.plan.fields[number];
            (number, Some(Sample::new(&field.dims, field.classes)))
        };
        Stepwise {
            inputs: steps.inputs.iter().map(row).collect(),
            outputs: steps.plan.outputs.iter().map(|output| Sample::new(&output.dims, None)).collect(),
            limit: steps.limit,
        }
    }

    /// Of a network with a mistake.
    pub(super) fn unknown(inputs: Vec<usize>, partial: &Partial) -> Self {
        let row = |number: usize| {
            let field = partial.fields.get(number)?;
            field.dims.as_ref()?.get(1..).map(|dims| Sample::new(dims, field.classes))
        };
        Stepwise {
            inputs: inputs.into_iter().map(|number| (number, row(number))).collect(),
            outputs: partial.outputs.iter().map(|_| Sample::unknown(&partial.error)).collect(),
            limit: None,
        }
    }
}

/// Inputs as arguments of a method: any rows of the right shape.
struct Arguments<'a> {
    names: Vec<&'a Ident>,
    generics: Vec<Ident>,
    bounds: Vec<TokenStream>,
    reads: Vec<TokenStream>,
    unread: TokenStream,
}

impl Api<'_> {
    fn steps_name(&self) -> Ident {
        format_ident!("{}Steps", self.header.name)
    }

    fn step_output_name(&self) -> Ident {
        format_ident!("{}StepOutput", self.header.name)
    }

    fn arguments<'b>(&'b self, inputs: &[(&'b Field<'b>, Option<&Sample>)]) -> Arguments<'b> {
        let nn = self.private();
        let names: Vec<&Ident> = inputs.iter().map(|(field, _)| &field.name.ident).collect();
        let generics: Vec<Ident> = (0..inputs.len()).map(|i| format_ident!("Row{i}")).collect();
        let bounds = inputs.iter().zip(&generics).filter_map(|((field, sample), row)| {
            let arguments = sample.as_ref()?.arguments();
            Some(quote_spanned!(here(field)=> #row: #nn::Row<#arguments>))
        });
        let reads = inputs.iter().filter_map(|(field, sample)| {
            let (name, arguments) = (&field.name.ident, sample.as_ref()?.arguments());
            Some(quote!(#nn::rows::<#arguments, _>(#name)))
        });
        let unread = inputs.iter().filter(|(_, sample)| sample.is_none()).map(|(field, _)| {
            let name = &field.name.ident;
            quote!(let _ = #name;)
        });
        Arguments { bounds: bounds.collect(), reads: reads.collect(), unread: unread.collect(), names, generics }
    }

    /// `CharRnnSteps`, and `CharRnnStepOutput` where there are several outputs.
    pub(super) fn steps_types(&self) -> TokenStream {
        let Some(stepwise) = &self.stepwise else { return TokenStream::new() };
        let (steps, name, nn) = (self.steps_name(), &self.header.name, self.private());
        let visibility = &self.header.visibility;
        let doc = format!("Sequences that [`{name}`] is given one position at a time, see [`{name}::stepwise`].");
        let several = (self.outputs.len() > 1).then(|| {
            let output = self.step_output_name();
            let doc = format!("What a step of [`{steps}`] gives: one row of each output for each sequence.");
            let fields = self.outputs.iter().zip(&stepwise.outputs).map(|(output, row)| {
                let (ident, nested) = (&output.name.ident, &row.nested);
                let (doc, attributes) = (format!("`{ident}` for each sequence."), &output.name.attributes);
                quote!(#[doc = #doc] #(#attributes)* pub #ident: ::std::vec::Vec<#nested>)
            });
            quote! {
                #[doc = #doc]
                #[allow(dead_code)]
                #[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::cmp::PartialEq)]
                #visibility struct #output {
                    #(#fields,)*
                }
            }
        });
        quote! {
            #[doc = #doc]
            #[allow(dead_code)]
            #[derive(::core::fmt::Debug)]
            #visibility struct #steps {
                steps: #nn::Stepwise,
            }
            #several
        }
    }

    pub(super) fn steps_impl(&self) -> TokenStream {
        let Some(stepwise) = &self.stepwise else { return TokenStream::new() };
        let (steps, name, nn) = (self.steps_name(), &self.header.name, self.private());
        let inputs = &self.fields[..self.inputs.min(self.fields.len())];
        let is_row = |number: usize| stepwise.inputs.iter().any(|(row, _)| *row == number);
        let given: Vec<(&Field<'_>, Option<&Sample>)> = (inputs.iter().enumerate())
            .filter(|(number, _)| !is_row(*number))
            .map(|(_, field)| (field, field.sample.as_ref()))
            .collect();
        let rows: Vec<(&Field<'_>, Option<&Sample>)> = (stepwise.inputs.iter())
            .filter_map(|(number, sample)| Some((inputs.get(*number)?, sample.as_ref())))
            .collect();
        let Arguments { names, generics, bounds, reads, unread } = self.arguments(&given);
        let many = many_arguments(2 + names.len());
        let end = match stepwise.limit {
            Some(limit) => format!("There is room for {limit} positions."),
            None => "There can be any number of positions.".to_owned(),
        };
        // A parameter of its own hygiene: an input may have this name.
        let batch = Ident::new("batch", Span::mixed_site());
        let begin = quote! {
            impl #name {
                /// Begins to predict step by step, for so many sequences at once: each step is given one row of the inputs that are declared
                /// `stepwise`, and gives one row of each output, what [`Self::predict`] would give there. Other inputs are given here. What
                /// positions need of those before them is kept. States begin with zeros, also those that the network keeps from batch to batch.
                #[doc = #end]
                ///
                /// The weights are those of now: what is learnt later does not reach these steps.
                ///
                /// # Errors
                /// If there are no sequences, if an input has another number of samples, if a class is out of range, or if the device fails.
                #many
                #[allow(dead_code)]
                pub fn stepwise<#(#generics),*>(&self, #batch: usize, #(#names: &[#generics]),*) -> #nn::Result<#steps>
                where
                    #(#bounds,)*
                {
                    #unread
                    let steps = #nn::Stepwise::new(&self.net, __nn_program::STEPS, #batch, &[#(#reads),*])?;
                    ::core::result::Result::Ok(#steps { steps })
                }
            }
        };
        let Arguments { names, generics, bounds, reads, unread } = self.arguments(&rows);
        let take = |sample: &Sample| {
            let size = &sample.size;
            quote!(#nn::floats::<#size, _>(&outputs.next().unwrap_or_default()))
        };
        let (result, value) = match &stepwise.outputs[..] {
            [row] => {
                let nested = &row.nested;
                (quote!(::std::vec::Vec<#nested>), take(row))
            }
            rows => {
                let (result, fields) = (self.step_output_name(), self.outputs.iter().map(|o| &o.name.ident));
                let values = rows.iter().map(take);
                (quote!(#result), quote!(#result { #(#fields: #values),* }))
            }
        };
        // Parameters of their own hygiene: an input may have an output's name.
        let rooms: Vec<Ident> =
            self.outputs.iter().map(|o| Ident::new(&o.name.ident.to_string(), Span::mixed_site())).collect();
        let room_rows: Vec<Ident> = (0..rooms.len()).map(|i| format_ident!("Room{i}")).collect();
        let room_bounds = stepwise
            .outputs
            .iter()
            .zip(&room_rows)
            .map(|(Sample { size, nested, .. }, row)| quote!(#row: #nn::Row<f32, #size, #nested>));
        let writes = stepwise
            .outputs
            .iter()
            .zip(&rooms)
            .map(|(Sample { size, nested, .. }, room)| quote!(#nn::rows_mut::<#size, #nested, _>(#room)));
        let (many, many_into) = (many_arguments(1 + names.len()), many_arguments(1 + names.len() + rooms.len()));
        quote! {
            #begin

            #[allow(dead_code)]
            impl #steps {
                /// The next position: a row of each input that arrives so, for each sequence. Gives the outputs of this position.
                ///
                /// # Errors
                /// If there is no place for another position, if there are not as many rows as sequences, if a class is out of range, or if
                /// the device fails.
                #many
                pub fn step<#(#generics),*>(&mut self, #(#names: &[#generics]),*) -> #nn::Result<#result>
                where
                    #(#bounds,)*
                {
                    #unread
                    let mut outputs = self.steps.step(&[#(#reads),*])?.into_iter();
                    ::core::result::Result::Ok(#value)
                }

                /// [`Self::step`] into arrays that are there, one of each output for each sequence. On the CPU it allocates nothing behind
                /// the first step, unless classes have to become floats.
                ///
                /// # Errors
                /// As [`Self::step`], and if there is room for another number of sequences.
                #many_into
                pub fn step_into<#(#generics,)* #(#room_rows),*>(
                    &mut self,
                    #(#names: &[#generics],)*
                    #(#rooms: &mut [#room_rows]),*
                ) -> #nn::Result<()>
                where
                    #(#bounds,)*
                    #(#room_bounds,)*
                {
                    #unread
                    self.steps.step_into(&[#(#reads),*], &mut [#(#writes),*])
                }

                /// How many positions have been given.
                #[must_use]
                pub fn position(&self) -> usize {
                    self.steps.position()
                }

                /// How many there can be; `None` if there is no end.
                #[must_use]
                pub fn limit(&self) -> ::core::option::Option<usize> {
                    self.steps.limit()
                }

                /// How many sequences there are.
                #[must_use]
                pub fn batch(&self) -> usize {
                    self.steps.batch()
                }

                /// Forgets all positions: the next one is the first of new sequences.
                pub fn reset(&mut self) {
                    self.steps.reset();
                }
            }
        }
    }
}
